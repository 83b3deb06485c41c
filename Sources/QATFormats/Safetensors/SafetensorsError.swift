/// Why a safetensors file cannot be read or written: the file, the tensor when it is one, and what was found and expected.
public struct SafetensorsError: Error, Hashable, CustomStringConvertible {
  /// The file, when the bytes come from one.
  public var file: String?
  /// The tensor at fault, when it is one.
  public var tensor: String?
  /// One sentence.
  public var reason: String

  /// An error of a file or of a tensor in it.
  public init(file: String? = nil, tensor: String? = nil, _ reason: String) {
    self.file = file
    self.tensor = tensor
    self.reason = reason
  }

  /// The place and the reason.
  public var description: String {
    let place = [file, tensor.map { "tensor '\($0)'" }].compactMap(\.self).joined(separator: ": ")
    return place.isEmpty ? reason : "\(place): \(reason)"
  }
}
