#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the relative paths of a configuration lead: they start at the file's own folder, whatever folder the command was started in.
enum ConfigurationPath {
  /// The absolute path of the folder that holds a file.
  static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return currentFolder }
    return slash == file.startIndex ? "/" : absolute(String(file[..<slash]), from: currentFolder)
  }

  /// `path` itself when it is absolute, else its place below `folder`. `..` stays: what it means is the file system's business.
  static func absolute(_ path: String, from folder: String) -> String {
    if path.hasPrefix("/") { return path }
    var rest = Substring(path)
    while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
    if rest.isEmpty || rest == "." { return folder }
    return folder.hasSuffix("/") ? folder + rest : "\(folder)/\(rest)"
  }

  /// The folder that the process works in.
  static var currentFolder: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }
}

extension RunConfiguration {
  /// Makes the paths of the model, the data, the traces and the logs absolute. A bare word is the name of an architecture, and `synthetic...` names no file.
  mutating func resolvePaths(against folder: String) {
    if let name = model, name.contains("/") || name.contains(".") { model = ConfigurationPath.absolute(name, from: folder) }
    func resolved(_ path: String) -> String {
      path == "synthetic" || path.hasPrefix("synthetic:") ? path : ConfigurationPath.absolute(path, from: folder)
    }
    data.train = data.train.map(resolved)
    data.validation = data.validation.map(resolved)
    nncf.logDirectory = nncf.logDirectory.map { ConfigurationPath.absolute($0, from: folder) }
    if let traces = nncf.quantization?.precision?.hawq.tracesPath {
      nncf.quantization?.precision?.hawq.tracesPath = ConfigurationPath.absolute(traces, from: folder)
    }
  }
}
