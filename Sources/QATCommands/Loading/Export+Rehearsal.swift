import Foundation
import QAT

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Makes the files of an export beside the way, looks at them, and throws them away.
/// - Parameters:
///   - graph: the network.
///   - destinations: where the files would be written, and in which format.
///   - metadata: notes for the files.
///   - session: rank 0 works; an error ends all ranks.
/// - Returns: the files with their sizes, on rank 0.
/// - Throws: what the export would throw.
func rehearseExport(_ graph: Graph, to destinations: [ExportDestination], metadata: [String: String], _ session: Session) throws -> [RunResults
  .ModelFile]
{
  var files: [RunResults.ModelFile] = []
  if destinations.isEmpty { return files }
  try session.onRoot {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qat-rehearsal-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let network = try ModelFormat.Network(graph, metadata: metadata)
    for (index, destination) in destinations.enumerated() {
      let path = folder.appendingPathComponent("\(index)\(destination.format.suffix)").path
      try destination.format.write(network.targeting(destination.target), to: path)
      files.append(RunResults.ModelFile(path: destination.file, bytes: destination.byteCount(at: path)))
    }
  }
  return files
}

/// Checks that a file can be made, or written into where it is a pipe or a device.
/// - Parameters:
///   - file: the file.
///   - flag: the flag that names it.
///   - made: a folder that is made before the file is; all others must be there.
/// - Throws: `CommandError` naming the file or its folder, and the system's reason.
func requireWritable(file: String, _ flag: String, in made: String? = nil) throws(CommandError) {
  var status = stat()
  let kind = stat(file, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
  if kind == S_IFDIR { throw CommandError(.storage, "\(flag): '\(file)' is a folder; give the name of a file") }
  let folder = DurableFile.folder(of: file)
  func standard(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
  if kind == S_IFREG { try requireWritable(folder, flag, isThere: made.map(standard) != standard(folder)) }
}

/// Checks that files can be made in a folder.
/// - Parameters:
///   - folder: the folder; where it is missing, the next one above it that exists is looked at.
///   - flag: the flag that names it.
///   - isThere: whether the folder must exist already.
/// - Throws: `CommandError` naming the folder and the system's reason.
func requireWritable(_ folder: String, _ flag: String, isThere: Bool = false) throws(CommandError) {
  var place = folder
  while !isThere, DurableFile.identity(place) == nil, DurableFile.folder(of: place) != place { place = DurableFile.folder(of: place) }
  guard access(place, W_OK | X_OK) == 0 else {
    throw CommandError(.storage, "\(flag): nothing can be written into '\(place)': \(String(cString: strerror(errno)))")
  }
}
