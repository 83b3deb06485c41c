import Foundation
import QATJSON
import Testing

@Suite("The JSON writer") struct JSONWriterTests {
  private let value: JSONValue = [
    "b": [1, 2.5, "x"], "a": ["z": nil, "y": true], "n": [["k": 1], .array([])], "empty": .object([]), "none": [],
  ]

  @Test("writes one line without spaces") func oneLine() {
    #expect(value.text(.oneLine) == #"{"b":[1,2.5,"x"],"a":{"z":null,"y":true},"n":[{"k":1},[]],"empty":{},"none":[]}"#)
  }

  @Test("indents objects, and keeps arrays of scalars on one line") func indented() {
    #expect(
      value.text() == """
        {
          "b": [1, 2.5, "x"],
          "a": {
            "z": null,
            "y": true
          },
          "n": [
            {
              "k": 1
            },
            []
          ],
          "empty": {},
          "none": []
        }
        """)
  }

  @Test("sorts keys by their bytes on demand") func sorted() {
    let value: JSONValue = ["b": ["d": 1, "c": 2], "B": 1, "ä": 2, "a1": 3, "a": 4]
    #expect(value.text(.oneLine, sortedKeys: true) == #"{"B":1,"a":4,"a1":3,"b":{"c":2,"d":1},"ä":2}"#)
  }

  @Test(
    "writes the shortest number that reads back",
    arguments: [0.1, 1e-5, 1.0, -0.0, .leastNonzeroMagnitude, 1.7976931348623157e308, 1.0 / 3, 123456789012345680, 0x1p53 + 2])
  func numbers(number: Double) throws {
    let text = JSONValue.number(number).text()
    let back = try #require(try JSONDocument.parse(text, file: "f").root.number)
    #expect(back.double.bitPattern == number.bitPattern)
  }

  @Test("writes numbers that JSON does not have as null", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(number: Double) {
    #expect(JSONValue.array([.number(number)]).text() == "[null]")
  }

  @Test("escapes what a text may not hold, and the result is what Foundation reads") func texts() throws {
    let text = "\"\\/\n\r\t\u{8}\u{0}\u{1f}\u{7f} ä€😀\u{2028}"
    let written = JSONValue.array([.string(text)]).text()
    #expect(try JSONDecoder().decode([String].self, from: Data(written.utf8)) == [text])
    #expect(try JSONDocument.parse(written, file: "f").root.array?.first?.string == text)
  }

  @Test("gives what the reader reads back as the same value") func roundTrip() throws {
    for layout in [JSONValue.Layout.oneLine, .indented] {
      #expect(JSONValue(try JSONDocument.parse(value.text(layout), file: "f").root) == value)
    }
  }
}
