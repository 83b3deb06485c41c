import Foundation
import QATFiles
import QATGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file of events that TensorBoard shows: curves, histograms, texts, and the network.
///
/// Every event is one record that is written at once, so that a reader beside the run never meets half of one. A log that can no longer be written falls silent:
/// it must not end a run that goes well. Used from one thread.
public final class EventFile {
  /// Where the file lies.
  public let path: String
  private let descriptor: Int32
  private let now: () -> Double
  /// Bytes of whole records; nil after one that could not be written.
  private var length: off_t? = 0

  /// Begins a file of its own in a folder, which TensorBoard reads after those that are there.
  /// - Parameters:
  ///   - folder: where to put it; made when it is missing.
  ///   - step: the last step that has happened. What earlier files say of later steps is void: a resumed run does them again.
  ///   - now: seconds since 1970.
  /// - Throws: `FileError` when the file cannot be made.
  public init(in folder: String, after step: Int = 0, now: @escaping () -> Double = { Date().timeIntervalSince1970 }) throws(FileError) {
    try DurableFile.makeFolder(folder)
    let host = ProcessInfo.processInfo.hostName.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) }
    let start = now()
    let stem = "\(folder)/events.out.tfevents.\(Int(start)).\(host).\(getpid())"
    var (path, descriptor, number) = ("", Int32(-1), 0)
    repeat {
      path = "\(stem).\(number)"
      descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
      number += 1
    } while descriptor < 0 && errno == EEXIST && number < 1000
    guard descriptor >= 0 else { throw FileError("create", path) }
    (self.path, self.descriptor, self.now) = (path, descriptor, now)
    append { $0.fileVersion = "brain.Event:2" }
    if step > 0 {
      append(step: step + 1) { event in event.sessionLog = .with { $0.status = .start } }
    }
  }

  deinit { close(descriptor) }

  /// Notes numbers.
  /// - Parameters:
  ///   - values: each with the name of its curve; a name's part before the slash groups curves.
  ///   - step: how many steps were done.
  public func scalars(_ values: [(tag: String, value: Double)], step: Int) {
    append(step: step) { event in
      event.summary.value = values.map { tag, value in
        .with { ($0.tag, $0.simpleValue) = (tag, Float(value)) }
      }
    }
  }

  /// Notes how values are distributed.
  /// - Parameters:
  ///   - histograms: each with its name.
  ///   - step: how many steps were done.
  public func histograms(_ histograms: [(tag: String, values: Histogram)], step: Int) {
    append(step: step) { event in
      event.summary.value = histograms.map { tag, histogram in
        .with { ($0.tag, $0.histo) = (tag, histogram.message) }
      }
    }
  }

  /// Notes a text in Markdown.
  /// - Parameters:
  ///   - text: the text.
  ///   - tag: its name.
  ///   - step: how many steps were done.
  public func text(_ text: String, tag: String, step: Int) {
    append(step: step) { event in
      event.summary.value = [
        .with { value in
          value.tag = tag
          // TensorFlow's number of the type of strings.
          value.tensor = .with { ($0.dtype, $0.tensorShape, $0.stringVal) = (7, TBTensorShapeProto(), [Data(text.utf8)]) }
          value.metadata.pluginData.pluginName = "text"
        }
      ]
    }
  }

  /// Notes the network, which TensorBoard draws.
  /// - Parameter graph: a validated network, quantized or not.
  /// - Throws: `GraphError` when the graph is no network.
  public func graph(_ graph: Graph) throws(GraphError) {
    let definition = try DrawnGraph(graph).definition
    append { event in event.graphDef = (try? definition.serializedData()) ?? Data() }
  }

  private func append(step: Int = 0, _ fill: (inout TBEvent) -> Void) {
    var event = TBEvent()
    event.wallTime = now()
    event.step = Int64(step)
    fill(&event)
    guard let start = length, let record = (try? event.serializedData()).map(framed) else { return }
    let isWritten = record.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count <= 0, errno != EINTR { return false }
        rest = rest.dropFirst(max(count, 0))
      }
      return true
    }
    if isWritten {
      length = start + off_t(record.count)
    } else {
      // Half a record would end the reading of all that is before it.
      _ = ftruncate(descriptor, start)
      length = nil
    }
  }
}
