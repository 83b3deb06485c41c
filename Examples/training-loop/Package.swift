// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "training-loop",
  dependencies: [
    // Outside of this repository: .package(url: …, branch: "main").
    .package(name: "swift-qat", path: "../..")
  ],
  targets: [
    .executableTarget(name: "training-loop", dependencies: [.product(name: "QAT", package: "swift-qat")])
  ]
)
