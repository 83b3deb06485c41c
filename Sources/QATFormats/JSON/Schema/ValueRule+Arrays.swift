extension ValueRule {
  /// An array of values of another kind.
  /// - Parameters:
  ///   - element: rule of each element.
  ///   - expectation: what the array is for, such as "an array of numbers above 0".
  ///   - minimumCount: fewest elements.
  /// - Returns: the rule.
  public static func array<Element>(of element: ValueRule<Element>, _ expectation: String, minimumCount: Int = 0) -> ValueRule
  where Value == [Element] {
    ValueRule(
      expecting: expectation,
      read: { node, problems in
        guard let nodes = node.array, nodes.count >= minimumCount else {
          problems.error("found \(node.summary); expected \(expectation)", at: node)
          return nil
        }
        let values = nodes.compactMap { element.read($0, &problems) }
        return values.count == nodes.count ? values : nil
      },
      write: { .array($0.compactMap(element.write)) })
  }

  /// A single value, or an array of them; written as an array.
  public static func oneOrMany<Element>(_ element: ValueRule<Element>) -> ValueRule where Value == [Element] {
    let expectation = "\(element.expectation), or an array of such"
    let many = array(of: element, expectation)
    return ValueRule(
      expecting: expectation,
      read: { node, problems in
        if node.array != nil { return many.read(node, &problems) }
        return element.read(node, &problems).map { [$0] }
      },
      write: many.write)
  }
}
