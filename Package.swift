// swift-tools-version: 6.2
import PackageDescription

// What every target of ours is built with. Warnings are errors, so that none is ever committed.
let swiftSettings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

let numerics: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

// For tests, the one instruction set that our loops are compiled for, as in "x86-64-v3"; else the loader chooses by the CPU. See scripts/check-instruction-sets.
let instructionSet: [CSetting] = Context.environment["QAT_INSTRUCTION_SET"].map { [.define("QAT_INSTRUCTION_SET", to: "\"\($0)\"")] } ?? []

// One row a library: what it holds is said in docs/architecture.md. A room sees only rooms above it.
let rooms: [Target] = [
  .target(name: "QATFiles", dependencies: ["CTrainingSupport"], path: "Sources/QATFormats/Files"),
  .target(name: "QATTensor"),
  .target(name: "QATGraph", dependencies: ["QATTensor"]),
  .target(name: "QATLowering", dependencies: ["QATTensor", "QATGraph"]),
  .target(name: "QATJSON", path: "Sources/QATFormats/JSON"),
  .target(name: "QATSafetensors", dependencies: ["QATFiles", "QATTensor"], path: "Sources/QATFormats/Safetensors"),
  .target(name: "QATImporting", dependencies: ["QATTensor", "QATGraph"], path: "Sources/QATFormats/Importing"),
  .target(
    name: "QATONNX", dependencies: ["QATFiles", "QATTensor", "QATGraph", "QATLowering", "QATImporting", protobuf], path: "Sources/QATFormats/ONNX"),
  .target(
    name: "QATTensorFlow", dependencies: ["QATFiles", "QATTensor", "QATGraph", "QATLowering", "QATImporting", protobuf],
    path: "Sources/QATFormats/TensorFlow"),
  .target(
    name: "QATTensorBoard", dependencies: ["CTrainingSupport", "QATFiles", "QATTensor", "QATGraph", protobuf], path: "Sources/QATFormats/TensorBoard"),
  .target(
    name: "QATOpenVINO", dependencies: ["QATFiles", "QATTensor", "QATGraph", "QATLowering"], path: "Sources/QATFormats/OpenVINO"),
  .target(name: "QATCommunication", dependencies: ["COpenMPI", "CTrainingSupport", "CWatching"]),
  .target(name: "QATEngine", dependencies: ["COneDNN", "CVectorKernels", "QATTensor", "QATGraph", numerics]),
  .target(name: "QATQuantization", dependencies: ["QATTensor", "QATGraph", "QATJSON", "QATCommunication", "QATEngine"]),
  .target(name: "QATData", dependencies: ["CArchive", "CPNG", "CTurboJPEG", "CZlib", "QATTensor", "QATGraph", "QATEngine"]),
  .target(name: "QATDeployment", dependencies: ["CVectorKernels", "QATTensor", "QATGraph", "QATLowering", "QATEngine", numerics]),
  .target(
    name: "QATTraining",
    dependencies: [
      "CVectorKernels", "CTrainingSupport", "QATFiles", "QATTensor", "QATGraph", "QATJSON", "QATSafetensors", "QATCommunication", "QATEngine",
      "QATQuantization", "QATData", "QATLowering", "QATDeployment", "QATTensorBoard",
    ]),
  .target(name: "QATModels", dependencies: ["QATTensor", "QATGraph"]),
  .target(
    name: "QAT",
    dependencies: [
      "QATFiles", "QATTensor", "QATGraph", "QATLowering", "QATJSON", "QATSafetensors", "QATONNX", "QATTensorFlow", "QATOpenVINO", "QATTensorBoard",
      "QATCommunication", "QATEngine",
      "QATQuantization", "QATData",
      "QATDeployment", "QATTraining", "QATModels", numerics,
    ]),
  .target(name: "QATCommands", dependencies: ["QAT", arguments]),
]

let everything = rooms.filter { !["QAT", "QATCommands"].contains($0.name) }.map { Target.Dependency.byName(name: $0.name) }

// A test target sees every room, so that a behaviour is tested where it is promised. ParallelTests start mpirun, InteropTests the real runtimes.
let tests: [Target] =
  [
    "QATTensor", "QATGraph", "QATEngine", "QATLowering", "QATFormats", "QATQuantization", "QATCommunication", "QATData", "QATTraining", "QATModels",
  ].map { .testTarget(name: "\($0)Tests", dependencies: everything + ["CAllocationCounter", "COneDNN"]) } + [
    // The library as its users have it: the workflow, and every Swift block of the documentation.
    .testTarget(name: "QATTests", dependencies: ["QAT"]),
    .testTarget(
      name: "QATCommandsTests", dependencies: ["QATCommands", "QAT", "qat", "training-loop", "VirtualNodes", arguments], exclude: ["Snapshots"]),
    .testTarget(name: "ParallelTests", dependencies: everything + ["parallel-worker", "VirtualNodes"]),
    .testTarget(name: "InteropTests", dependencies: everything + ["QAT"], exclude: ["Python"]),
  ]

let package = Package(
  name: "swift-qat",
  products: [
    .library(name: "QAT", targets: ["QAT"]),
    .executable(name: "qat", targets: ["qat"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.30.0"),
  ],
  targets: [
    .systemLibrary(name: "COneDNN", path: "Sources/C/COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "COpenMPI", path: "Sources/C/COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CArchive", path: "Sources/C/CArchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CPNG", path: "Sources/C/CPNG", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", path: "Sources/C/CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(name: "VirtualNodes", path: "Tests/VirtualNodes"),
    .target(
      name: "CVectorKernels", path: "Sources/C/CVectorKernels", cSettings: instructionSet,
      linkerSettings: [.linkedLibrary("gomp"), .linkedLibrary("m")]),
    .target(name: "CTrainingSupport", path: "Sources/C/CTrainingSupport"),
    .target(name: "CWatching", path: "Sources/C/CWatching"),
    .executableTarget(name: "qat", dependencies: ["QATCommands"], path: "Sources/QATTool"),
    // What ParallelTests start under mpirun.
    .executableTarget(name: "parallel-worker", dependencies: everything + ["QAT", "CAllocationCounter"], path: "Tests/ParallelWorker"),
    // The example's own package would build everything of ours once more: its source is compiled here instead, and run by QATCommandsTests.
    .executableTarget(name: "training-loop", dependencies: ["QAT"], path: "Examples/training-loop/Sources/training-loop"),
  ] + rooms + tests,
  swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system && !["CVectorKernels", "CTrainingSupport", "CWatching"].contains(target.name) {
  target.swiftSettings = swiftSettings
}
