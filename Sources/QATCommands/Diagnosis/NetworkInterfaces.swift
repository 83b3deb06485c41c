import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The IPv4 networks that this machine's interfaces belong to, loopback left out, as in "eth0 10.0.0.0/24".
func networkInterfaces() -> [String] {
  var first: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&first) == 0 else { return [] }
  defer { freeifaddrs(first) }
  var result: [String] = []
  var next = first
  while let interface = next?.pointee {
    next = interface.ifa_next
    let flags = Int(interface.ifa_flags)
    guard flags & Int(IFF_UP) != 0, flags & Int(IFF_LOOPBACK) == 0, let address = ipv4(interface.ifa_addr), let mask = ipv4(interface.ifa_netmask)
    else { continue }
    let octets = [24, 16, 8, 0].map { "\((address & mask) >> UInt32($0) & 255)" }.joined(separator: ".")
    result.append("\(String(cString: interface.ifa_name)) \(octets)/\(mask.nonzeroBitCount)")
  }
  return result
}

/// The address as a number whose highest bits are the first octet; nil when it is none of IPv4.
private func ipv4(_ address: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
  guard let address, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
  return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt32(bigEndian: $0.pointee.sin_addr.s_addr) }
}
