import Foundation
import QAT

/// The checkpoints of a run, newest first: `qat checkpoint ls`.
struct CheckpointList {
  private let entries: [(name: String, inspection: CheckpointInspection, marks: [String])]

  /// Reads them all.
  /// - Throws: `CommandError` when there is no such folder.
  init(_ directory: CheckpointDirectory) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw CommandError(.checkpoint, "there is no folder \(directory.path)")
    }
    let inspections = try directory.candidates.map { ($0, CheckpointInspection("\(directory.path)/\($0)")) }
    let latest = inspections.first { $0.1.faults.isEmpty }
    let best = latest?.1.state?.best.map { CheckpointDirectory.name(ofStep: $0.step) }
    entries = inspections.map { name, inspection in (name, inspection, (name == latest?.0 ? ["latest"] : []) + (name == best ? ["best"] : [])) }
  }

  var json: JSONValue {
    let list = entries.map { name, inspection, marks -> JSONValue in
      [
        "name": .string(name), "step": .number(orNil: inspection.state?.step), "epoch": .number(orNil: inspection.state?.epoch),
        "date": inspection.date.map { .string($0.ISO8601Format()) } ?? .null, "bytes": .integer(inspection.size),
        "valid": .bool(inspection.faults.isEmpty), "marks": .array(marks.map { .string($0) }),
        "top1": inspection.top1.map { .number($0) } ?? .null, "faults": .array(inspection.faults.map { .string($0) }),
      ]
    }
    return ["checkpoints": .array(list)]
  }

  var text: String {
    if entries.isEmpty { return "no checkpoints" }
    var table = TextTable(["checkpoint", "step", "epoch", "top-1", "date", "size", "valid", "marks"])
    for (name, inspection, marks) in entries {
      table.add([
        name, inspection.state.map { "\($0.step)" } ?? "?", inspection.state.map { "\($0.epoch)" } ?? "?", inspection.top1.map(Numbers.percent) ?? "",
        inspection.date?.ISO8601Format() ?? "?", Numbers.bytes(inspection.size), inspection.faults.isEmpty ? "yes" : "NO",
        marks.joined(separator: " "),
      ])
    }
    let faults = entries.flatMap { $0.inspection.faults }
    return ([table.text] + (faults.isEmpty ? [] : [""]) + faults).joined(separator: "\n")
  }
}

/// Whether every file of one or more checkpoints is what was written: `qat checkpoint verify`.
struct CheckpointVerification {
  private let inspections: [CheckpointInspection]

  /// Reads the checkpoints at a place.
  /// - Throws: `CommandError` when there are none.
  init(_ place: String) throws {
    let run = CheckpointDirectory(place)
    let names = try run.candidates
    if !names.isEmpty {
      inspections = names.map { CheckpointInspection("\(run.path)/\($0)") }
    } else if let folder = CheckpointDirectory.checkpoint(at: place) {
      inspections = [CheckpointInspection(folder)]
    } else {
      throw CommandError(.checkpoint, "\(place) is neither a checkpoint nor a run that has one")
    }
  }

  var isValid: Bool { inspections.allSatisfy { $0.faults.isEmpty } }

  var json: JSONValue {
    let list = inspections.map { inspection -> JSONValue in
      let files = inspection.files.map { file -> JSONValue in
        ["name": .string(file.name), "bytes": .integer(file.size), "fault": file.fault.map { .string($0) } ?? .null]
      }
      return [
        "path": .string(inspection.path), "valid": .bool(inspection.faults.isEmpty), "files": .array(files),
        "faults": .array(inspection.faults.map { .string($0) }),
      ]
    }
    return ["valid": .bool(isValid), "checkpoints": .array(list)]
  }

  var text: String {
    inspections.map { inspection in
      let files = inspection.files.filter { $0.fault == nil }.map { "  \($0.name)  \(Numbers.bytes($0.size))  as written" }
      return ([inspection.path + (inspection.faults.isEmpty ? "  valid" : "  NOT VALID")] + files + inspection.faults.map { "  \($0)" })
        .joined(separator: "\n")
    }.joined(separator: "\n")
  }
}

extension CheckpointInspection {
  /// The accuracy that was evaluated at this very step.
  var top1: Double? { state.flatMap { state in state.history.last.flatMap { $0.step == state.step ? $0.evaluation.top1 : nil } } }
}

extension JSONValue {
  /// A number, or null.
  static func number(orNil value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
}
