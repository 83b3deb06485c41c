import ArgumentParser
import Foundation

/// The manual page of the whole program, in the language of `man`, made from what the commands say of themselves.
struct ManualPage {
  /// A command as the argument parser describes it.
  private struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var subcommands: [Command]?
    var arguments: [Argument]?
  }

  private struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }

    var kind: String
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var allValueStrings: [String]?
    var allValues: [String]?
    var abstract: String?
    var isOptional: Bool
    var isRepeating: Bool
    var shouldDisplay: Bool?
  }

  private let root: Command

  /// The page of this program.
  /// - Throws: an error when the argument parser's description is not what is expected.
  init() throws {
    struct Description: Decodable { var command: Command }
    root = try JSONDecoder().decode(Description.self, from: Data(QATCommand._dumpHelp().utf8)).command
  }

  /// The text of the page.
  var text: String {
    var lines = [
      ".TH QAT 1 \"\" \"swift-qat \(QATCommand.version)\" \"User Commands\"", ".SH NAME", "qat \\- \(Self.escaped(Self.sentence(root.abstract)))",
      ".SH SYNOPSIS", ".B qat", ".I subcommand", ".RI [ options ]", ".br", ".B mpirun \\-n", ".I ranks", ".B qat", ".I subcommand", ".RI [ options ]",
      ".SH DESCRIPTION",
    ]
    lines += Self.paragraphs(root.discussion)
    lines.append(".SH SUBCOMMANDS")
    for command in root.subcommands ?? [] { lines += section(command, path: "qat") }
    lines.append(".SH EXIT STATUS")
    for status in ExitStatus.allCases { lines += [".TP", ".B \(status.rawValue)", Self.escaped(status.meaning)] }
    lines += [".TP", ".B 143", Self.escaped("SIGTERM a second time: ended at once")]
    lines.append(".SH ENVIRONMENT")
    for (name, meaning) in Self.variables { lines += [".TP", ".B \(name)", Self.escaped(meaning)] }
    lines.append(".SH FILES")
    for (name, meaning) in Self.files { lines += [".TP", ".I \(Self.escaped(name))", Self.escaped(meaning)] }
    lines += [".SH SEE ALSO", ".BR mpirun (1)", ".br", Self.escaped("docs/configuration.md describes every key of the configuration.")]
    return lines.joined(separator: "\n") + "\n"
  }

  private static let variables = [
    ("OMP_NUM_THREADS", "Threads of a rank; its share of the cores when not set."),
    ("NO_COLOR", "When set, progress is printed in plain lines, as with TERM=dumb."),
    ("QAT_BUCKET_KIB", "Size of the buckets in which gradients are exchanged, alike on every rank."),
  ]

  private static let files = [
    ("DIR/step-NNNNNNNNN/", "A checkpoint: safetensors, state and checksums; complete or absent."),
    ("DIR/run.json, DIR/model.onnx", "The configuration with every default, and the fp32 network that the run started from."),
    ("DIR/metrics.jsonl, DIR/tensorboard/", "Steps and evaluations, as lines of JSON and for TensorBoard."),
    ("DIR/results.json, DIR/report.html", "What the run has come to."),
    ("DIR/STOP", "Makes the run stop with a checkpoint."),
  ]

  private func section(_ command: Command, path: String) -> [String] {
    guard command.shouldDisplay ?? true, command.commandName != "help" else { return [] }
    let path = "\(path) \(command.commandName)"
    var lines = [".SS \(Self.escaped(path))"] + Self.paragraphs(command.abstract) + Self.paragraphs(command.discussion)
    for argument in command.arguments ?? [] where argument.shouldDisplay ?? true && !["help", "version"].contains(argument.names?.first?.name) {
      lines += Self.lines(of: argument)
    }
    for inner in command.subcommands ?? [] { lines += section(inner, path: path) }
    return lines
  }

  private static func lines(of argument: Argument) -> [String] {
    let value = argument.valueName.map { "\\fI\(escaped($0))\\fR" } ?? ""
    let names = (argument.names ?? []).map { "\\fB\(escaped(($0.kind == "long" ? "--" : "-") + $0.name))\\fR" }.joined(separator: ", ")
    let head = argument.kind == "positional" ? value : argument.kind == "flag" ? names : "\(names) \(value)"
    var text = argument.abstract ?? ""
    if let values = argument.allValueStrings ?? argument.allValues, !values.isEmpty { text += " One of \(values.joined(separator: ", "))." }
    if let value = argument.defaultValue, !value.isEmpty { text += " Default: \(value)." }
    return [".TP", head + (argument.isRepeating ? " ..." : ""), text.isEmpty ? "\\&" : escaped(text)]
  }

  /// Running text as paragraphs; lines that begin with two spaces stay as they are.
  private static func paragraphs(_ text: String?) -> [String] {
    var lines: [String] = []
    var isVerbatim = false
    for line in (text ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
      let wants = line.hasPrefix("  ")
      if line.isEmpty {
        if !isVerbatim { lines.append(".PP") }
        continue
      }
      if wants != isVerbatim { lines += wants ? [".PP", ".RS 2", ".nf"] : [".fi", ".RE", ".PP"] }
      isVerbatim = wants
      lines.append(escaped(String(wants ? line.dropFirst(2) : line)))
    }
    if isVerbatim { lines += [".fi", ".RE"] }
    return lines.isEmpty ? [] : [".PP"] + lines
  }

  /// A text that means only itself: no backslash, no line that begins like a request, hyphens that can be copied.
  private static func escaped(_ text: String) -> String {
    let line = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\n", with: " ")
    return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
  }

  private static func sentence(_ text: String?) -> String {
    var text = text ?? ""
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
