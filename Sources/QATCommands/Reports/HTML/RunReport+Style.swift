extension RunReport {
  /// The page's style: two inks, two accents, light and dark.
  static let style = """
    :root { --paper: #fcfcfa; --ink: #1c1f24; --quiet: #666c76; --line: #e4e4df; --soft: #f2f2ee; --c0: #3a5ba9; --c1: #c4532f;
      --p0: #b9bdc6; --p1: #3a5ba9; --p2: #7d96d3; --p3: #c4532f; --p4: #e0a58f; }
    @media (prefers-color-scheme: dark) {
      :root { --paper: #16181c; --ink: #e6e7ea; --quiet: #989ea9; --line: #2c3037; --soft: #1e2126; --c0: #8ea9ec; --c1: #ef946f;
        --p0: #565c68; --p1: #8ea9ec; --p2: #5b74b4; --p3: #ef946f; --p4: #99604a; }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
      font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
    main { max-width: 1120px; margin: 0 auto; padding: 48px 28px 36px; }
    h1 { margin: 0 0 4px; font-size: 30px; font-weight: 600; letter-spacing: -0.015em; line-height: 1.2; overflow-wrap: anywhere; }
    h2 { margin: 0 0 14px; font-size: 16px; font-weight: 600; }
    h3 { margin: 0; font-size: 13px; font-weight: 400; color: var(--quiet); }
    header p, .note { margin: 0 0 12px; color: var(--quiet); overflow-wrap: anywhere; }
    .note { font-size: 13px; max-width: 92ch; }
    section { margin-top: 44px; }
    .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; background: var(--line); border: 1px solid var(--line);
      border-radius: 8px; overflow: hidden; margin-top: 28px; }
    .card { background: var(--paper); padding: 16px 18px 14px; }
    .card small { display: block; line-height: 1.45; }
    .card strong { display: block; font-size: 25px; font-weight: 600; letter-spacing: -0.02em; line-height: 1.35; white-space: nowrap; }
    small { color: var(--quiet); font-size: 12px; font-weight: 400; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 30px 44px; }
    .chart { margin: 0; }
    figcaption { display: flex; flex-wrap: wrap; gap: 2px 16px; align-items: baseline; font-size: 13px; margin-bottom: 6px; }
    figcaption b { font-weight: 600; margin-right: auto; }
    .key { color: var(--quiet); } .key::before { content: ""; display: inline-block; width: 12px; height: 2px; background: var(--color); vertical-align: middle;
      margin-right: 6px; }
    .value { color: var(--ink); }
    .c0 { --color: var(--c0); } .c1 { --color: var(--c1); }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    svg text { font-size: 10px; fill: var(--quiet); }
    .grid { stroke: var(--line); fill: none; }
    .raw { stroke: var(--color); fill: none; stroke-width: 1; opacity: 0.28; stroke-linejoin: round; }
    .curve { stroke: var(--color); fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
    circle { fill: var(--paper); stroke: var(--color); stroke-width: 1.6; }
    .stack { display: flex; height: 14px; border-radius: 4px; overflow: hidden; gap: 1px; }
    .p0 { background: var(--p0); } .p1 { background: var(--p1); } .p2 { background: var(--p2); } .p3 { background: var(--p3); } .p4 { background: var(--p4); }
    .keys { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 26px; margin: 12px 0; padding: 0; font-size: 13px; }
    .keys i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 7px; }
    .keys b { font-weight: 600; margin: 0 6px 0 8px; }
    table { border-collapse: collapse; width: 100%; font-size: 13px; }
    table.narrow { width: auto; min-width: 60%; }
    th, td { padding: 7px 10px; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: 400; }
    thead th { color: var(--quiet); font-size: 12px; padding: 3px 10px 6px; }
    thead tr:first-child:not(:last-child) th { border-bottom: 0; padding-bottom: 0; text-align: left; color: var(--ink); }
    th:first-child, td:first-child, td.text { text-align: left; padding-left: 0; white-space: normal; overflow-wrap: anywhere; }
    td.text { padding-left: 10px; }
    tbody th small, td small { display: block; }
    .layers tbody th { min-width: 130px; max-width: 260px; }
    .layers tbody tr:hover { background: var(--soft); }
    .layers td div { height: 25px; }
    .bar { display: block; height: 2px; min-width: 44px; margin: 1px 0 3px; background: linear-gradient(to right, var(--c0) var(--part), var(--line) 0); }
    .badge { display: inline-block; font-size: 11px; line-height: 17px; padding: 0 6px; border-radius: 4px; margin-left: 4px; border: 1px solid var(--c0); }
    .badge.on { background: var(--c0); color: var(--paper); }
    .badge.off { border-color: var(--line); color: var(--quiet); text-decoration: line-through; }
    .scroll { overflow-x: auto; }
    summary { cursor: pointer; font-weight: 600; }
    pre { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-x: auto; background: var(--soft); border-radius: 8px; padding: 14px 16px; }
    footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--quiet); font-size: 12px; overflow-wrap: anywhere; }
    @media print { body { font-size: 12px; } section { break-inside: avoid; } .wide { break-inside: auto; } }
    """
}
