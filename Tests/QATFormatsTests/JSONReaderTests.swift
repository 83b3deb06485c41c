import QATJSON
import Testing

@Suite("The JSON reader") struct JSONReaderTests {
  private func parse(_ text: String) throws -> JSONNode { try JSONDocument.parse(text, file: "f.json").root }

  @Test("reads every kind of value") func values() throws {
    let root = try parse(#"{"a": [1, -2.5e3, true, false, null, "x"], "b": {}, "c": []}"#)
    #expect(
      JSONValue(root)
        == ["a": [1, -2500, true, false, nil, "x"], "b": .object([]), "c": []])
  }

  @Test("accepts comments and trailing commas") func extensions() throws {
    let root = try parse("// first\n{ /* a\n* b */ \"a\": [1, 2, ], // end\n \"b\" /**/ : 3, }\n// last")
    #expect(JSONValue(root) == ["a": [1, 2], "b": 3])
  }

  @Test("keeps comment signs in texts") func commentsInTexts() throws {
    #expect(try parse(#""http://x/*y*/""#).string == "http://x/*y*/")
  }

  @Test("knows line, column and path of every value") func places() throws {
    let root = try parse("{\n  \"compression\": [\n    { \"ä\": 1, \"type\": \"x\" },\r\n\t{ \"odd key\": [true] } ]\n}")
    let elements = try #require(root["compression"]?.array)
    let type = try #require(elements[0]["type"])
    #expect((type.line, type.column, type.path) == (3, 23, "compression[0].type"))
    let odd = try #require(elements[1]["odd key"]?.array?.first)
    #expect((odd.line, odd.column, odd.path) == (4, 16, "compression[1][\"odd key\"][0]"))
    let member = try #require(elements[0].members?.last)
    #expect((member.line, member.column) == (3, 15))
    #expect((root.line, root.column, root.path) == (1, 1, ""))
  }

  @Test(
    "decodes escapes",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e4\u20AC""#, "Aä€"), (#""\uD83D\uDE00""#, "😀"),
      (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
      (#""\u0000""#, "\0"), ("\"ä€😀\u{7f}\"", "ä€😀\u{7f}"),
    ])
  func escapes(text: String, meaning: String) throws {
    #expect(try parse(text).string == meaning)
  }

  @Test(
    "reads integers exactly and numbers to the nearest double",
    arguments: [
      ("0", 0, 0.0), ("-0", 0, -0.0), ("9223372036854775807", Int.max, 0x1p63), ("-9223372036854775808", Int.min, -0x1p63), ("2.0", 2, 2),
      ("1e3", 1000, 1000),
      ("2.5", nil, 2.5), ("9223372036854775808", nil, 0x1p63), ("1e300", nil, 1e300), ("5e-324", nil, Double.leastNonzeroMagnitude), ("1e-400", 0, 0),
      ("0.1", nil, 0.1),
    ] as [(String, Int?, Double)])
  func numbers(text: String, integer: Int?, double: Double) throws {
    let number = try #require(try parse(text).number)
    #expect(number.integer == integer)
    #expect(number.double == double)
    #expect(number.text == text)
  }

  @Test("skips a byte order mark") func byteOrderMark() throws {
    let root = try JSONDocument.parse(bytes: [0xEF, 0xBB, 0xBF] + Array("[1]".utf8), file: "f").root
    #expect(root.array?.count == 1)
    #expect(root.column == 1)
  }

  @Test("reads nesting up to the limit and refuses what is deeper") func depth() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try parse(nested(JSONDocument.defaultMaximumDepth))
    let error = try #require(throws: JSONError.self) { try parse(nested(JSONDocument.defaultMaximumDepth + 1)) }
    #expect(error.column == JSONDocument.defaultMaximumDepth + 1)
    #expect(throws: JSONError.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
  }

  @Test("reads a long line in linear time and counts its columns", .timeLimit(.minutes(1))) func longLine() throws {
    let count = 50_000
    let elements = try #require(try parse("[" + String(repeating: "1, ", count: count) + "2]").array)
    #expect(elements.count == count + 1)
    #expect(elements.last?.column == 3 * count + 2)
  }
}
