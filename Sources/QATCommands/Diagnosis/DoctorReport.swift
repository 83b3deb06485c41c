import QAT

/// What `qat doctor` prints.
struct DoctorReport {
  var ranks: [RankFacts]
  /// Nil for one rank.
  var links: LinkMeasurement?

  var json: JSONValue {
    var members: [JSONValue.Member] = [.init("ranks", .array(ranks.map(Self.json)))]
    if let links {
      members.append(
        .init(
          "links",
          .array(
            links.pairs.map {
              [
                "ranks": [.integer($0.ranks.0), .integer($0.ranks.1)], "latency_seconds": .number($0.latency),
                "bytes_per_second": .number($0.bandwidth),
              ]
            })))
      members.append(
        .init(
          "sums", .array(links.sums.map { ["bytes": .integer($0.bytes), "seconds": .number($0.seconds), "bytes_per_second": .number($0.bandwidth)] }))
      )
    }
    return .object(members + [.init("warnings", .array(warnings(about: ranks).map(JSONValue.string)))])
  }

  private static func json(_ rank: RankFacts) -> JSONValue {
    [
      "rank": .integer(rank.rank), "node": .string(rank.node), "processors": .array(rank.processors.map(JSONValue.integer)),
      "cores": .integer(rank.coreCount), "threads": .integer(rank.threads), "node_processors": .integer(rank.nodeProcessorCount),
      "node_cores": .integer(rank.nodeCoreCount), "processor_quota": rank.processorQuota.map(JSONValue.number) ?? .null,
      "machine": .string(rank.machine), "processor": rank.processorModel.map(JSONValue.string) ?? .null,
      "memory_bytes": rank.memory.map(JSONValue.integer) ?? .null,
      "available_memory_bytes": rank.availableMemory.map(JSONValue.integer) ?? .null, "engine": .string(rank.engine), "mpi": .string(rank.mpi),
      "version": .string(rank.version), "interfaces": .array(rank.interfaces.map(JSONValue.string)),
    ]
  }

  var text: String {
    var parts: [String] = []
    if let first = ranks.first { parts.append("swift-qat \(first.version), \(first.mpi), \(first.engine)") }
    parts += [nodeTable, rankTable]
    if let links {
      parts += [pairTable(links), sumTable(links)]
    } else {
      parts.append("One rank: there are no links to measure. Put before it what starts your training, as in: mpirun -n 2 qat doctor")
    }
    let found = warnings(about: ranks)
    parts.append(found.isEmpty ? "No warnings." : found.map { "warning: \($0)" }.joined(separator: "\n"))
    return parts.joined(separator: "\n\n")
  }

  private var nodeTable: String {
    var table = TextTable(["node", "ranks", "cores", "processors", "memory", "available", "networks", "processor"])
    var seen: Set<String> = []
    for rank in ranks where seen.insert(rank.node).inserted {
      table.add([
        rank.node, "\(ranks.count { $0.node == rank.node })", "\(rank.nodeCoreCount)", "\(rank.nodeProcessorCount)",
        rank.memory.map(Numbers.bytes) ?? "?", rank.availableMemory.map(Numbers.bytes) ?? "?", rank.interfaces.joined(separator: ", "),
        rank.processorModel ?? "?",
      ])
    }
    return table.text
  }

  private var rankTable: String {
    var table = TextTable(["rank", "node", "threads", "cores", "runs on processors"])
    for rank in ranks { table.add(["\(rank.rank)", rank.node, "\(rank.threads)", "\(rank.coreCount)", Machine.list(rank.processors)]) }
    return table.text
  }

  private func pairTable(_ links: LinkMeasurement) -> String {
    var table = TextTable(["ranks", "nodes", "latency", "each way"])
    for pair in links.pairs {
      let nodes = (ranks[pair.ranks.0].node, ranks[pair.ranks.1].node)
      table.add([
        "\(pair.ranks.0) - \(pair.ranks.1)", nodes.0 == nodes.1 ? nodes.0 : "\(nodes.0) - \(nodes.1)", "\(Numbers.fixed(pair.latency * 1e6, 1)) us",
        gigabits(pair.bandwidth),
      ])
    }
    return table.text
  }

  private func sumTable(_ links: LinkMeasurement) -> String {
    var table = TextTable(["sum over \(ranks.count) ranks", "time", "each rank sends"])
    for sum in links.sums {
      table.add([Numbers.bytes(sum.bytes), "\(Numbers.fixed(sum.seconds * 1e3, 2)) ms", gigabits(sum.bandwidth)])
    }
    return table.text
  }

  private func gigabits(_ bytesPerSecond: Double) -> String { "\(Numbers.fixed(bytesPerSecond * 8e-9, 3)) Gbit/s" }
}
