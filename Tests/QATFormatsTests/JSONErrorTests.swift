import Foundation
import QATJSON
import Testing

@Suite("Errors of the JSON reader") struct JSONErrorTests {
  @Test(
    "name the place, what was found and what was expected",
    arguments: [
      ("", "1:1: found the end of the file where a value was expected"),
      ("  \n ", "2:2: found the end of the file where a value was expected"),
      ("{} x", "1:4: found 'x' where the end of the file was expected"),
      ("{\n\"a\": 1\n\"b\": 2}", "3:1: found '\"' where ',' or '}' was expected"),
      ("{\"a\" 1}", "1:6: found '1' where ':' after the key \"a\" was expected"),
      ("{a: 1}", "1:2: found 'a' where a key in double quotes or '}' was expected"),
      ("{,}", "1:2: found ',' where a key in double quotes or '}' was expected"),
      ("{\"a\": [1 2]}", "1:10: in a: found '2' where ',' or ']' was expected"),
      ("[1,,2]", "1:4: in [1]: found ',' where a value was expected"),
      ("[,]", "1:2: in [0]: found ',' where a value was expected"),
      (
        "{\n\"a\": {\n",
        "3:1: in a: found the end of the file where a key in double quotes or '}' was expected; the object opened on line 2 is not closed"
      ),
      ("[1", "1:3: found the end of the file where ',' or ']' was expected; the array opened on line 1 is not closed"),
      ("[\n", "2:1: found the end of the file where a value or ']' was expected; the array opened on line 1 is not closed"),
      ("[1}", "1:3: found '}' where ',' or ']' was expected"),
      ("{\"a\": True}", "1:7: in a: found 'True' where a value was expected; write true"),
      ("[None]", "1:2: in [0]: found 'None' where a value was expected; write null"),
      ("[NaN]", "1:2: in [0]: found 'NaN' where a value was expected; JSON has no such number"),
      ("[-Infinity]", "1:2: in [0]: found -Infinity where a number was expected; JSON has no such number"),
      ("['x']", "1:2: in [0]: found ''' where a value was expected; text stands between double quotes"),
      ("[abc]", "1:2: in [0]: found 'abc' where a value was expected; text stands between double quotes"),
      ("[truee]", "1:2: in [0]: found 'truee' where a value was expected"),
      ("[01]", "1:2: in [0]: found 01 where a number was expected; a number has no leading zeros"),
      ("[+1]", "1:2: in [0]: found +1 where a number was expected; a number has no leading '+'"),
      ("[.5]", "1:2: in [0]: found .5 where a number was expected; at least one digit stands before anything else"),
      ("[5.]", "1:2: in [0]: found 5. where a number was expected; at least one digit follows the point"),
      ("[-]", "1:2: in [0]: found - where a number was expected; at least one digit stands before anything else"),
      ("[1e]", "1:2: in [0]: found 1e where a number was expected; the exponent has no digits"),
      ("[0x10]", "1:2: in [0]: found 0x10 where a number was expected; it does not go on with \"x10\""),
      ("[1e999]", "1:2: in [0]: the number 1e999 is beyond the range of a double"),
      ("[\"a\nb\"]", "1:4: in [0]: found the end of the line in the text that starts in column 2; '\"' is missing, or write \\n"),
      ("[\"a", "1:4: in [0]: found the end of the file in the text that starts in column 2; '\"' is missing"),
      ("[\"a\u{1}\"]", "1:4: in [0]: found the control character U+0001 in a text"),
      ("[\"\\x\"]", "1:3: in [0]: found an unknown escape after '\\'; expected one of"),
      ("[\"\\u12G4\"]", "1:3: in [0]: found an incomplete escape; four hexadecimal digits were expected after \\u"),
      ("[\"\\u12", "1:3: in [0]: found an incomplete escape"),
      ("[\"\\uD800\"]", "1:3: in [0]: found half a surrogate pair"),
      ("[\"\\uD800\\u0041\"]", "1:3: in [0]: found half a surrogate pair"),
      ("[\"\\uDC00\"]", "1:3: in [0]: found the second half of a surrogate pair without its first"),
      ("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "3:2: the key \"a\" stands twice in this object, first on line 1; keep one of them"),
      ("{\"a\": 1, \"\\u0061\": 3}", "1:10: the key \"a\" stands twice in this object"),
      ("/* a\nb", "2:2: found the end of the file in the comment that starts on line 1; '*/' is missing"),
      ("/ x", "1:1: found a lone '/'; a comment starts with // or /*"),
      ("[1]\u{a0}", "1:4: found '\u{a0}' (U+00A0) where the end of the file was expected"),
      ("# x", "1:1: found '#'"),
    ])
  func syntax(text: String, expected: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONDocument.parse(text, file: "f.json") }
    #expect(error.description.hasPrefix("f.json:\(expected)"), "\(error)")
  }

  @Test(
    "name the byte that is not UTF-8",
    arguments: [
      ([0x22, 0xFF, 0x22], "1:2: found the byte 0xFF"), ([0x5B, 0x0A, 0x22, 0xC3, 0xA4, 0xC3], "2:3: found the byte 0xC3"),
      ([0x22, 0xC0, 0x80, 0x22], "1:2: found the byte 0xC0"), ([0x22, 0xED, 0xA0, 0x80, 0x22], "1:2: found the byte 0xED"),
      ([0xFF, 0xFE, 0x7B, 0x00], "1:1: found UTF-16; save the file as UTF-8"),
    ] as [([UInt8], String)])
  func encoding(bytes: [UInt8], expected: String) throws {
    let error = try #require(throws: JSONError.self) { try JSONDocument.parse(bytes: bytes, file: "f") }
    #expect(error.description.hasPrefix("f:\(expected)"), "\(error)")
  }

  @Test("keep the messages of long tokens short") func longTokens() throws {
    for text in [String(repeating: "a", count: 10_000), String(repeating: "1", count: 10_000)] {
      let error = try #require(throws: JSONError.self) { try JSONDocument.parse(text, file: "f") }
      #expect(error.message.count < 200)
    }
  }

  @Test("say why a file cannot be read") func files() throws {
    let missing = try #require(throws: JSONError.self) { try JSONDocument.read(contentsOf: "/no/such/file") }
    #expect(missing.description == "/no/such/file: cannot be read: No such file or directory")
    let folder = try #require(throws: JSONError.self) { try JSONDocument.read(contentsOf: "/") }
    #expect(folder.description == "/: cannot be read: Is a directory")
  }
}
