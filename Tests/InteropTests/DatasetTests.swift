import Foundation
import QATData
import QATTensor
import Testing

/// Data sets that numpy, Pillow and Python's standard library write, against what these read from them.
@Suite("Data sets of other programs")
struct DatasetTests {
  /// What a sample holds, copied.
  private struct Values {
    var inputs: [[Float]]
    var classes: [Int32]
    var numbers: [Float]

    func input(_ index: Int) -> [Float] { inputs[index] }
  }

  private func sample(_ dataset: any Dataset, _ index: Int) throws -> Values {
    let sample = Sample(for: dataset)
    try dataset.read(index, into: sample)
    return withExtendedLifetime(sample) {
      Values(inputs: dataset.inputs.indices.map { Array(sample.input($0)) }, classes: Array(sample.classes), numbers: Array(sample.numbers))
    }
  }

  private struct Picture: Decodable {
    var name: String
    var size: [Int]
    var colour: [Float]
    var grey: [Float]
  }

  @Test("pictures have the pixels that Pillow reads, in colour and in grey")
  func decoded() throws {
    let folder = try TemporaryFolder()
    let pictures = try PythonRuntime.run("datasets.py", ["decoded", folder.path], as: [Picture].self)
    #expect(pictures.count == 12)
    for channels in [3, 1] {
      let dataset = try ImageFolder(path: folder.path, channels: channels, hasLabels: false)
      #expect(dataset.count == pictures.count && dataset.target == .none)
      for index in 0..<dataset.count {
        let name = dataset.path(at: index).split(separator: "/").last.map(String.init) ?? ""
        let picture = try #require(pictures.first { $0.name == name })
        let (found, expected) = (try sample(dataset, index).input(0), channels == 3 ? picture.colour : picture.grey)
        #expect(found.count == channels * picture.size[0] * picture.size[1])
        let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
        // One step of a byte for decoders of another version, and for conversions of printers' colours; PNG is exact.
        #expect(
          difference <= (name.lowercased().hasSuffix("png") || name == "named.png.jpg" ? 0 : 1.01 / 255),
          "\(name), \(channels) channels: \(difference)")
      }
    }
  }

  @Test("resizing and cutting give Pillow's pixels")
  func resized() throws {
    let folder = try TemporaryFolder()
    let expected = try PythonRuntime.run("datasets.py", ["resized", folder.path], as: [String: [Float]].self)
    let dataset = try ImageFolder(path: folder.path, hasLabels: false)
    let cases: [(String, Preprocessing)] = [
      ("exactly", Preprocessing(resize: .exactly(ImageSize(height: 16, width: 20)))),
      ("larger", Preprocessing(resize: .exactly(ImageSize(height: 64, width: 90)))),
      ("shorter", Preprocessing(resize: .shorterSide(24))), ("narrow", Preprocessing(resize: .exactly(ImageSize(height: 40, width: 9)))),
      ("middle", Preprocessing(resize: .shorterSide(24), crop: ImageSize(height: 20, width: 20))),
    ]
    let sample = try sample(dataset, 0)
    let size = ImageSize(height: 40, width: 57)
    for (name, preprocessing) in cases {
      let output = preprocessing.outputSize(of: size)
      var found = [Float](repeating: .nan, count: 3 * output.height * output.width)
      sample.input(0).withUnsafeBufferPointer { image in
        found.withUnsafeMutableBufferPointer {
          preprocessing.apply(image, channels: 3, size: size, augmentKey: nil, workspace: ImageWorkspace(), into: $0)
        }
      }
      let wanted = try #require(expected[name])
      #expect(found.count == wanted.count)
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 2e-6 }, "\(name)")
    }
  }

  private struct Labelled: Decodable {
    var path: String?
    var label: Int32
    var pixels: [Float]
    var extra: [Float]?
  }

  @Test("a folder of classes is read in the order of its paths; classes are those of the training data, in every split")
  func folders() throws {
    let folder = try TemporaryFolder()
    let all = try PythonRuntime.run("datasets.py", ["folders", folder.path], as: [Labelled].self)
    for (split, part) in [(Split.train, "train"), (.test, "val")] {
      let dataset = try openDataset(folder.path, split: split)
      let expected = all.filter { $0.path?.hasPrefix(part) == true }
      #expect(dataset.count == expected.count && dataset.target == .classes(shape: [], count: 3))
      for (index, wanted) in expected.enumerated() {
        let sample = try sample(dataset, index)
        #expect(sample.input(0) == wanted.pixels && sample.classes[0] == wanted.label && dataset.classLabel(at: index) == wanted.label)
      }
    }
    #expect(try openDataset(folder.path, split: .train).contentHash != openDataset(folder.path, split: .test).contentHash)
    #expect(try openDataset(folder.path, split: .train, targets: .none).target == .none)
  }

  @Test("tar files in WebDataset's form: an image, a class and an array a sample, names of any length", arguments: [true, false])
  func shards(pattern: Bool) throws {
    let folder = try TemporaryFolder()
    let all = try PythonRuntime.run("datasets.py", ["shards", folder.path], as: [Labelled].self)
    let dataset = try openDataset(pattern ? folder.file("train-{000..001}.tar") : folder.path, split: .train)
    #expect(dataset.count == 6 && dataset.inputs == [SampleInput("image", .image(channels: 3, size: nil)), SampleInput("extra", .tensor([4]))])
    for (index, expected) in all.enumerated() {
      let sample = try sample(dataset, index)
      #expect(sample.input(0) == expected.pixels && sample.input(1) == expected.extra && sample.classes == [expected.label])
      #expect(dataset.classLabel(at: index) == expected.label)
    }
    #expect(try openDataset(folder.file("train-000.tar"), split: .test).count == 3)
    #expect(try openDataset(folder.path, split: .train, targets: .none).target == .none)
    #expect { try openDataset(folder.file("train-{000..002}.tar"), split: .train) } throws: { "\($0)".contains("train-002.tar") }
  }

  private struct Records: Decodable {
    var labels: [Int32]
    var pixels: [Float]
  }

  @Test("CIFAR's binary files", arguments: [("ten", 5, 10), ("hundred", 1, 100)])
  func cifar(kind: String, files: Int, classes: Int) throws {
    let folder = try TemporaryFolder()
    let expected = try PythonRuntime.run("datasets.py", ["cifar", folder.path], as: [String: Records].self)
    let names = kind == "ten" ? (1...5).map { "data_batch_\($0).bin" } : ["train.bin"]
    let dataset = try openDataset(folder.file(kind), split: .train)
    #expect(dataset.count == 4 * files && dataset.target == .classes(shape: [], count: classes))
    for (number, name) in names.enumerated() {
      let records = try #require(expected["\(kind)/\(name)"])
      #expect((0..<4).map { dataset.classLabel(at: 4 * number + $0) } == records.labels)
      #expect(try sample(dataset, 4 * number + 1).input(0) == records.pixels)
    }
    let test = try openDataset(folder.file(kind), split: .test)
    #expect(test.count == 4)
  }

  @Test("NumPy's arrays of every type, alone and in .npz files, are inputs by name and targets")
  func arrays() throws {
    let folder = try TemporaryFolder()
    let expected = try PythonRuntime.run("datasets.py", ["arrays", folder.path], as: [String: [Float]].self)
    for type in ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"] {
      let dataset = try openDataset(folder.file("\(type).npy"), split: .train)
      #expect(dataset.count == 5 && dataset.inputs == [SampleInput(nil, .tensor([6]))] && dataset.target == .none)
      let found = try (0..<5).flatMap { try sample(dataset, $0).input(0) }
      #expect(found == expected[type], "\(type)")
    }
    for file in ["tokens.npz", "packed.npz"] {
      let dataset = try openDataset(folder.file(file), split: .train)
      #expect(dataset.inputs == [SampleInput("input_ids", .tensor([12])), SampleInput("attention_mask", .tensor([12]))])
      #expect(dataset.target == .classes(shape: [], count: Int((expected["labels"]?.max() ?? 0) + 1)))
      let samples = try (0..<7).map { try sample(dataset, $0) }
      #expect(samples.flatMap { $0.input(0) } == expected["ids"] && samples.flatMap { $0.input(1) } == expected["mask"])
      #expect(samples.map { Float($0.classes[0]) } == expected["labels"])
    }
    let keras = try (openDataset(folder.file("keras.npz"), split: .train), openDataset(folder.file("keras.npz"), split: .test))
    #expect(keras.0.count == 6 && keras.1.count == 2 && keras.0.target == .classes(shape: [], count: 4))
    #expect(keras.0.inputs == [SampleInput(nil, shape: [3, 7, 5])])
    #expect(try sample(keras.0, 4).input(0) == expected["keras"] && keras.0.classLabel(at: 5) == 1)
    let regression = try openDataset(folder.file("regression.npz"), split: .train)
    #expect(regression.target == .numbers(shape: [3]))
    #expect(try (0..<5).flatMap { try sample(regression, $0).numbers } == expected["regression"])
    let masks = try openDataset(folder.file("masks.npz"), split: .train)
    #expect(masks.inputs == [SampleInput(nil, shape: [3, 4, 6])])
    guard case .classes([4, 6], let count) = masks.target else {
      Issue.record("\(masks.target)")
      return
    }
    #expect(count <= 5)
    #expect(try (0..<3).flatMap { try sample(masks, $0).classes.map { Float($0) } } == expected["map"])
    #expect(try openDataset(folder.file("masks.npz"), split: .train, targets: .asNumbers).target == .numbers(shape: [4, 6]))
    for (file, complaint) in [("fortran.npy", "Fortran's order"), ("big.npy", "'>f4'"), ("objects.npy", "'|O'")] {
      #expect { try openDataset(folder.file(file), split: .train) } throws: { "\($0)".contains(complaint) }
    }
  }
}
