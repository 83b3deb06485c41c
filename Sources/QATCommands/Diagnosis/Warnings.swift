/// What makes training slower than it could be, or hang: a sentence each, with the remedy.
/// - Parameter ranks: all ranks of the run, in order.
/// - Returns: the sentences; none when all is well.
func warnings(about ranks: [RankFacts]) -> [String] {
  let nodes = groups(ranks, by: \.node)
  return ranks.compactMap(crowdedRank) + groups(ranks, by: \.machine).compactMap(crowdedMachine) + nodes.compactMap(unsuitedNode) + differences(ranks)
    + (nodes.count > 1 ? ambiguousNetworks(nodes.compactMap(\.first)) : [])
}

/// Ranks with equal values, in the order of their first ranks.
private func groups(_ ranks: [RankFacts], by value: (RankFacts) -> String) -> [[RankFacts]] {
  Dictionary(grouping: ranks, by: value).values.sorted { ($0.first?.rank ?? 0) < ($1.first?.rank ?? 0) }
}

/// A rank with more threads than processors: what mpirun's default binding makes of OpenMP.
private func crowdedRank(_ rank: RankFacts) -> String? {
  guard rank.threads > rank.processors.count else { return nil }
  return "rank \(rank.rank) (node \(rank.node)) computes with \(rank.threads) threads on \(Numbers.counted(rank.processors.count, "processor")), "
    + "to which it is bound. Give it \(rank.threads) cores: mpirun --map-by slot:PE=\(rank.threads) --bind-to core, or start with scripts/qat-mpirun"
}

/// Ranks that stand in each other's way: they compute with more threads than the processors they may run on.
private func crowdedMachine(_ ranks: [RankFacts]) -> String? {
  let threads = ranks.reduce(0) { $0 + $1.threads }
  let processors = Set(ranks.flatMap(\.processors)).count
  guard threads > processors, !ranks.contains(where: { $0.threads > $0.processors.count }) else { return nil }
  let nodes = groups(ranks, by: \.node).compactMap { $0.first?.node }
  let place = nodes.count == 1 ? "node \(nodes[0])" : "nodes \(nodes.joined(separator: ", ")), which are one machine,"
  var remedies: [String] = []
  let share = max(1, processors / ranks.count)
  if ranks.contains(where: { $0.threads > share }) { remedies.append("set OMP_NUM_THREADS=\(share)") }
  if ranks.count > processors { remedies.append("start fewer ranks or let waiting ones yield: --mca mpi_yield_when_idle 1") }
  let remedy = remedies.joined(separator: ", and ")
  return "the \(Numbers.counted(ranks.count, "rank")) of \(place) compute with \(threads) threads on \(Numbers.counted(processors, "processor")). "
    + remedy.prefix(1).uppercased() + remedy.dropFirst()
}

/// Ranks that have more threads than their container has time for, or leave much of the node idle.
private func unsuitedNode(_ ranks: [RankFacts]) -> String? {
  guard let first = ranks.first else { return nil }
  let threads = ranks.reduce(0) { $0 + $1.threads }
  let share = max(1, first.nodeCoreCount / ranks.count)
  if let quota = first.processorQuota, Double(threads) > quota.rounded(.up) {
    return "node \(first.node) is a container with time for \(Numbers.fixed(quota, 1)) processors, and its ranks compute with \(threads) threads. "
      + "Set OMP_NUM_THREADS=\(max(1, Int(quota) / ranks.count)) and use --bind-to none"
  }
  if 2 * threads <= first.nodeCoreCount {
    return
      "\(Numbers.counted(threads, "thread")) \(threads == 1 ? "computes" : "compute") on the \(first.nodeCoreCount) cores of node \(first.node). "
      + "To use all: OMP_NUM_THREADS=\(share) with --map-by slot:PE=\(share) --bind-to core, or scripts/qat-mpirun"
  }
  return nil
}

/// What must be, or should be, the same everywhere.
private func differences(_ ranks: [RankFacts]) -> [String] {
  let aspects: [(String, (RankFacts) -> String, String)] = [
    ("versions of this program", \.version, "Install the same everywhere"),
    ("MPI libraries", \.mpi, "Ranks of different versions hang or crash: install the same everywhere"),
    ("instruction sets or oneDNN versions", \.engine, "The slowest sets the pace, and results are not the same bytes as on equal nodes"),
    ("numbers of threads", { "\($0.threads) threads" }, "The slowest sets the pace: set OMP_NUM_THREADS for all, with mpirun -x OMP_NUM_THREADS"),
  ]
  return aspects.compactMap { name, value, remedy in
    guard let first = ranks.first, let other = ranks.first(where: { value($0) != value(first) }) else { return nil }
    return "ranks have different \(name): rank \(first.rank) (node \(first.node)) \(value(first)), "
      + "rank \(other.rank) (node \(other.node)) \(value(other)). \(remedy)"
  }
}

/// Several networks on a node, of which Open MPI tries all: the first cause of runs that hang at their start.
private func ambiguousNetworks(_ nodes: [RankFacts]) -> [String] {
  guard let node = nodes.first(where: { $0.interfaces.count > 1 && $0.chosenInterfaces == nil }) else { return [] }
  let shared = node.interfaces.compactMap { $0.split(separator: " ").last }.first { network in
    nodes.allSatisfy { $0.interfaces.contains { $0.hasSuffix(" \(network)") } }
  }
  let choice = shared.map(String.init) ?? "NETWORK/BITS"
  return [
    "node \(node.node) has several networks (\(node.interfaces.joined(separator: ", "))), and Open MPI may hang on those that do not reach the others. "
      + "Name the right one: --mca btl_tcp_if_include \(choice) --mca oob_tcp_if_include \(choice)"
  ]
}
