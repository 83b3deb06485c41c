import Foundation
import QATFiles
import Testing

@Suite("Whole files") final class WholeFilesTests {
  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "durable-\(UUID().uuidString)"
    try DurableFile.makeFolder("\(folder)/inner")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))) }
  private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } }

  @Test("are made, replaced, and leave nothing beside them", arguments: [0, 1, 20_000_000])
  func replaced(count: Int) throws {
    let content = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    try replaceFiles([("\(folder)/a", Data("before".utf8))])
    try replaceFiles([("\(folder)/a", content)])
    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a")) == content)
    #expect(try names == ["a", "inner"])
  }

  @Test("go over what a killed process has left")
  func leftover() throws {
    try Data(repeating: 9, count: 100).write(to: URL(fileURLWithPath: "\(folder)/.a.partial"))
    try replaceFiles([("\(folder)/a", Data([1]))])
    #expect(try bytes("a") == [1])
    #expect(try names == ["a", "inner"])
  }

  @Test("keep the link that leads to them")
  func links() throws {
    try replaceFiles([("\(folder)/inner/a", Data([1]))])
    try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "inner/a")
    try replaceFiles([("\(folder)/link", Data([2]))])
    #expect(try bytes("inner/a") == [2])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "inner/a")
  }

  @Test("never go through a link that somebody has put beside them")
  func hostileLink() throws {
    try replaceFiles([("\(folder)/precious", Data([7]))])
    try FileManager.default.createSymbolicLink(atPath: "\(folder)/.a.partial", withDestinationPath: "precious")
    #expect(throws: FileError.self) { try replaceFiles([("\(self.folder)/a", Data([1]))]) }
    #expect(try bytes("precious") == [7])
  }

  @Test("a device is written into and stays a device")
  func device() throws {
    try replaceFiles([("/dev/null", Data([1, 2, 3]))])
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    #expect { try replaceFiles([("/dev/full", Data([1]))]) } throws: { "\($0)" == "cannot write /dev/full: No space left on device" }
  }

  @Test("that cannot be written are named with the system's reason, and nothing has changed")
  func refused() throws {
    #expect { try replaceFiles([("\(self.folder)/inner", Data([1]))]) } throws: { "\($0)" == "cannot write \(self.folder)/inner: Is a directory" }
    #expect { try replaceFiles([("\(self.folder)/none/a", Data([1]))]) } throws: {
      "\($0)" == "cannot write \(self.folder)/none/a: No such file or directory"
    }
    #expect(try names == ["inner"])
  }

  @Test("that belong together: the one that readers open comes last, and an older one never stands beside parts of a newer")
  func several() throws {
    let (parts, index) = ("\(folder)/parts", "\(folder)/index")
    try replaceFiles([(parts, Data([1])), (index, Data([1]))])
    try replaceFiles([(parts, Data([2])), (index, Data([2]))])
    #expect(try bytes("parts") == [2] && bytes("index") == [2])
    // The parts cannot get their name.
    try FileManager.default.removeItem(atPath: parts)
    try DurableFile.makeFolder("\(parts)/in the way")
    #expect { try replaceFiles([(parts, Data([3])), (index, Data([3]))]) } throws: { "\($0)" == "cannot write \(parts): Is a directory" }
    #expect(try bytes("index") == [2])
    #expect(try names == ["index", "inner", "parts"])
  }

  @Test(
    "lie in a folder",
    arguments: [
      ("b", "."), ("", "."), ("run", "."), ("a/b", "a"), ("/b", "/"), ("/", "/"), ("/a/b/", "/a"), ("a//b", "a"), ("b/", "."), ("../é/b", "../é"),
      ("//", "/"),
    ])
  func folderOfAPath(path: String, folder: String) { #expect(DurableFile.folder(of: path) == folder) }
}
