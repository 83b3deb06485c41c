import Foundation

/// Finds the data of tensors that lie in files beside the model, and nowhere else.
///
/// A model file comes from anywhere, so it may not name a path outside its own folder: not by an absolute path, not by "..", not by a symbolic link.
final class ONNXExternalData {
  private let directory: String?
  private var files: [String: Data] = [:]

  /// - Parameter directory: the model's folder; nil when the model has none, and then external data is an error.
  init(directory: String?) { self.directory = directory }

  /// The bytes of a tensor.
  /// - Parameters:
  ///   - tensor: a tensor whose data lies outside the model file.
  ///   - byteCount: the size that its type and dimensions ask for.
  /// - Returns: exactly `byteCount` bytes.
  /// - Throws: `ONNXError` naming the tensor, when the location is not allowed or the file is missing or too short.
  func data(of tensor: ONNXTensorProto, byteCount: Int) throws(ONNXError) -> Data {
    var fields: [String: String] = [:]
    for entry in tensor.externalData { fields[entry.key] = entry.value }
    guard let location = fields["location"] else { throw ONNXError(tensor: tensor.name, "its external data has no location") }
    let file = try contents(location, tensor.name)
    let offset = try number(fields["offset"], default: 0, "offset", tensor.name)
    guard offset <= file.count else {
      throw ONNXError(tensor: tensor.name, "its external data starts at byte \(offset), '\(location)' has \(file.count)")
    }
    let length = try number(fields["length"], default: file.count - offset, "length", tensor.name)
    guard length == byteCount else {
      throw ONNXError(tensor: tensor.name, "its external data has \(length) bytes, its type and dimensions ask for \(byteCount)")
    }
    guard length <= file.count - offset else {
      throw ONNXError(tensor: tensor.name, "its external data ends after byte \(file.count) of '\(location)', where that file ends: truncated?")
    }
    return file.subdata(in: offset..<offset + length)
  }

  private func number(_ text: String?, default value: Int, _ field: String, _ tensor: String) throws(ONNXError) -> Int {
    guard let text else { return value }
    guard let number = Int(text), number >= 0 else {
      throw ONNXError(tensor: tensor, "the \(field) '\(text)' of its external data is not a byte count")
    }
    return number
  }

  private func contents(_ location: String, _ tensor: String) throws(ONNXError) -> Data {
    if let known = files[location] { return known }
    guard let directory else { throw ONNXError(tensor: tensor, "its data lies in '\(location)', but the model was not read from a folder") }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == ".." }), !location.contains(where: { "\\:\0".contains($0) }) else {
      throw ONNXError(tensor: tensor, "the location '\(location)' of its external data is not a relative path inside the model's folder")
    }
    let folder = URL(fileURLWithPath: directory, isDirectory: true).resolvingSymlinksInPath().standardizedFileURL.path
    let path = URL(fileURLWithPath: folder, isDirectory: true).appendingPathComponent(location).resolvingSymlinksInPath().standardizedFileURL.path
    guard path.hasPrefix(folder == "/" ? "/" : folder + "/") else {
      throw ONNXError(tensor: tensor, "the location '\(location)' of its external data leads out of the model's folder")
    }
    guard (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType == .typeRegular else {
      throw ONNXError(tensor: tensor, "its external data file '\(location)' does not exist beside the model or is not a regular file")
    }
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
      files[location] = data
      return data
    } catch {
      throw ONNXError(tensor: tensor, "its external data file '\(location)' cannot be read: \((error as NSError).localizedDescription)")
    }
  }
}
