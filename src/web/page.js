/* page.js - asks for status.json and plan.svg again and again, and shows them in page.html.
 *
 * Rates are differences of the last two answers, whose sums only grow. Whatever the daemon says is
 * put in as text and never as markup, so a rule may be called anything; the picture is parsed as a
 * document of its own, which escapes its texts, and cannot run scripts here. ROWS_STEP rules are in
 * the page at first, and it says how many are not; more are shown when asked for. How often it asks
 * depends on how long an answer takes, and a page that nobody sees does not ask.
 */
"use strict";
(() => {
  const ASK_MS = 2000, FIRST_MS = 1000, ASK_SHARE = 10; // ask again after 10 times what it took
  const PATIENCE_MS = 8000, REPEATS_MS = 8000; // for an answer, and for a new one
  const ROWS_STEP = 50, ROWS_MAX = 1000;
  const PICTURES = [[520, "plan-narrow.svg"], [900, "plan-medium.svg"], [Infinity, "plan.svg"]];

  const at = (id) => document.getElementById(id);
  const nothing = "\u2013";

  // ---- words for numbers ----

  function short(n) {
    const units = ["", "k", "M", "G", "T"];
    let unit = 0;
    if (n === null || n === undefined) return nothing;
    if (n > 0 && n < 0.05) return "<0.1";
    while (n >= 999.5 && unit < units.length - 1) { n /= 1000; unit++; }
    if (n >= 99.95 || n === Math.round(n)) return n.toFixed(0) + units[unit];
    return n.toFixed(n < 9.995 && unit ? 2 : 1) + units[unit];
  }
  const perSecond = (n) => n === null ? nothing : short(n) + "/s";
  const bits = (n) => n === null ? nothing : short(n).replace(/[kMGT]?$/, " $&bit/s");
  const whole = (n) => n.toLocaleString("en");
  const many = (n, word) => `${whole(n)} ${word}${n === 1 ? "" : "s"}`;
  const percent = (part) => part === null ? nothing : `${Math.round(part * 100)} %`;
  const sum = (object) => Object.values(object).reduce((a, b) => a + b, 0);
  function lasting(s) {
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    if (d) return `${d} d ${h} h`;
    if (h) return `${h} h ${m} min`;
    return m ? `${m} min ${Math.floor(s % 60)} s` : `${Math.floor(s)} s`;
  }

  // ---- what becomes of two answers ----

  // What a row did between two answers, or since `before' is missing, nothing that is known.
  function rates(row, before, seconds) {
    const known = before && seconds > 0;
    const per = (key) => known ? Math.max(0, row[key] - before[key]) / seconds : null;
    const mean = (all, calls) => known && row[calls] > before[calls]
      ? (row[all] - before[all]) / (row[calls] - before[calls]) : null;
    const causes = {};
    for (const [cause, count] of Object.entries(row.losses)) {
      const more = known ? count - (before.losses[cause] || 0) : 0;
      if (more > 0) causes[cause] = more / seconds;
    }
    return {
      in: per("received"), out: per("sent"), inBits: times8(per("received_bytes")),
      outBits: times8(per("sent_bytes")), lost: known ? sum(causes) : null, causes,
      inAtATime: mean("received", "pieces"), outAtATime: mean("sent", "sends"),
      lostEver: sum(row.losses),
      kernel: row.fast_received === undefined ? null : mean("fast_received", "received"),
      cpu: known && typeof row.cpu_s === "number" && typeof before.cpu_s === "number"
        ? (row.cpu_s - before.cpu_s) / seconds : null,
    };
  }
  const times8 = (n) => n === null ? null : n * 8;

  // Rows of both, by name, with `rate' of each.
  function rateAll(rows, before, name, seconds) {
    const old = new Map((before || []).map((row) => [row[name], row]));
    rows.forEach((row, i) => {
      row.place = i;
      row.rate = rates(row, old.get(row[name]), seconds);
    });
    return rows;
  }

  // ---- tables ----

  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }
  function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // A table with `columns': label, number (right-aligned), sort (a key, so that the head is a
  // button), cell (the text of a row, or what fills the cell in). Roles are named because as cards
  // (page.css) rows are no table to a browser.
  class Table {
    constructor(element, columns, onSort) {
      this.columns = columns;
      this.rows = [];
      element.setAttribute("role", "table");
      const head = element.createTHead(), line = head.insertRow();
      head.setAttribute("role", "rowgroup");
      line.setAttribute("role", "row");
      this.heads = columns.map((column) => {
        const th = make("th", undefined, column.number ? "number" : "");
        th.scope = "col";
        th.setAttribute("role", "columnheader");
        if (column.sort && onSort) {
          const button = make("button", column.label);
          button.type = "button";
          button.addEventListener("click", () => onSort(column));
          th.append(button);
        } else {
          th.textContent = column.label;
        }
        line.append(th);
        return th;
      });
      this.body = element.createTBody();
      this.body.setAttribute("role", "rowgroup");
    }
    add() {
      const line = this.body.insertRow();
      line.setAttribute("role", "row");
      this.columns.forEach((column, i) => {
        const cell = make(i ? "td" : "th", undefined, column.number ? "number" : column.kind);
        cell.setAttribute("role", i ? "cell" : "rowheader");
        if (!i) cell.scope = "row";
        cell.dataset.label = column.label;
        line.append(cell);
        if (!column.fill) cell.append(make("span", "", column.lines ? "lines" : ""));
      });
      this.rows.push(line);
    }
    show(rows) {
      while (this.rows.length < rows.length) this.add();
      while (this.rows.length > rows.length) this.rows.pop().remove();
      rows.forEach((row, r) => {
        const line = this.rows[r];
        line.classList.toggle("losing", row.rate ? row.rate.lost > 0 : row.losing);
        this.columns.forEach((column, c) => {
          if (column.fill) column.fill(line.cells[c], row);
          else say(line.cells[c].firstChild, column.cell(row));
        });
      });
    }
    mark(column, down) {
      this.columns.forEach((other, i) => {
        if (other === column) {
          this.heads[i].setAttribute("aria-sort", down ? "descending" : "ascending");
        } else {
          this.heads[i].removeAttribute("aria-sort");
        }
      });
    }
  }

  const stateClass = (state) => ({ live: "good", standby: "idle", absent: "idle",
    degraded: "warn", pending: "warn" })[state] ||
    (state === "relaying" ? "good" : state === "draining" ? "warn" : "bad");

  const inKernel = (row) => row.fast_flows
    ? `${whole(row.fast_flows)} of ${many(row.flows, "flow")} relayed in the kernel` : "";

  // A name, its state where that is not the usual one, and what there is to say below.
  function fillName(cell, name, row, more) {
    if (!cell.firstChild) cell.append(make("span"), " ", make("span"), make("div"), make("div"));
    const [title, chip, text, why] = cell.children;
    say(title, name);
    chip.hidden = row.state === "live" || row.state === undefined;
    chip.className = `chip ${stateClass(row.state)}`;
    say(chip, row.state || "");
    text.className = "dim clip";
    say(text, more);
    if (text.title !== more) text.title = more;
    why.className = "dim";
    say(why, row.reason || inKernel(row));
  }

  const lossText = (row) => {
    const causes = Object.entries(row.rate.causes).sort((a, b) => b[1] - a[1]);
    return row.rate.lost > 0
      ? [perSecond(row.rate.lost), ...causes.map(([cause, n]) => `${cause} ${perSecond(n)}`)]
        .join("\n")
      : perSecond(row.rate.lost);
  };
  const atATime = (row) => row.rate.inAtATime === null && row.rate.outAtATime === null
    ? nothing : `${short(row.rate.inAtATime)} in, ${short(row.rate.outAtATime)} out`;

  const rateColumns = [
    { label: "In", number: true, sort: (r) => r.rate.in, cell: (r) => perSecond(r.rate.in) },
    { label: "Out", number: true, sort: (r) => r.rate.out, cell: (r) => perSecond(r.rate.out) },
    { label: "Lost", number: true, lines: true, sort: (r) => r.rate.lost, cell: lossText },
    { label: "Lost since start", number: true, sort: (r) => r.rate.lostEver,
      cell: (r) => whole(r.rate.lostEver) },
    { label: "At a time", number: true, sort: (r) => r.rate.outAtATime, cell: atATime },
  ];
  const ruleColumns = [
    { label: "Rule", sort: (r) => r.rule, up: true,
      fill: (cell, r) => fillName(cell, r.rule, r, r.text) },
    { label: "Shards", number: true, sort: (r) => r.shards[0], up: true,
      cell: (r) => r.shards.length > 6
        ? `${r.shards.slice(0, 6).join(", ")} and ${r.shards.length - 6} more`
        : r.shards.join(", ") || nothing },
    { label: "Outputs", number: true, sort: (r) => r.outputs, cell: (r) => whole(r.outputs) },
    ...rateColumns,
  ];
  const shardColumns = [
    { label: "Shard", fill: (cell, r) => fillName(cell, `${r.shard}`, r,
      `CPU ${r.cpu}${r.node === null ? "" : `, node ${r.node}`}, ${many(r.flows, "flow")}`) },
    { label: "Busy", number: true, cell: (r) => percent(r.rate.cpu) },
    ...rateColumns,
    { label: "Pool", fill: fillLevels, kind: "block" },
  ];
  const interfaceColumns = [
    { label: "Interface", fill: (cell, r) => fillName(cell, r.interface || "(any)", {},
      `${many(r.flows, "flow")} in, ${many(r.outputs, "output")}` +
      (r.node === null ? "" : `, node ${r.node}`)) },
    ...rateColumns.slice(0, 4),
    { label: "Bits in", number: true, cell: (r) => bits(r.rate.inBits) },
    { label: "Bits out", number: true, cell: (r) => bits(r.rate.outBits) },
  ];
  const legColumns = [
    { label: "Leg", fill: (cell, r) => fillName(cell, `${r.rule}, leg ${r.leg}`, r, r.ingress) },
    { label: "In", number: true, cell: (r) => perSecond(r.now.received) },
    { label: "Relayed", number: true, cell: (r) => perSecond(r.now.relayed) },
    { label: "Lost", number: true, cell: (r) => perSecond(r.now.lost) },
    { label: "Lost since start", number: true, cell: (r) => whole(r.lost) },
    { label: "Saved", number: true, cell: (r) => whole(r.only) },
    { label: "Lost by all", number: true, cell: (r) => whole(r.lostAll) },
    { label: "Behind", number: true,
      cell: (r) => `${short(r.skew_us.p50)} \u00b5s, 99 % ${short(r.skew_us.p99)} \u00b5s` },
  ];
  const lossColumns = [
    { label: "Cause", cell: (r) => r.cause },
    { label: "Now", number: true, cell: (r) => perSecond(r.now) },
    { label: "Since start", number: true, cell: (r) => whole(r.ever) },
  ];

  // One line for each class of slots: how many hold datagrams, and how many wait for some.
  function fillLevels(cell, row) {
    const classes = Object.entries(row.pool);
    if (!cell.firstChild) cell.append(make("div"));
    const box = cell.firstChild;
    while (box.children.length > classes.length) box.lastChild.remove();
    while (box.children.length < classes.length) {
      const level = make("div", undefined, "level"), bar = make("i");
      bar.append(make("b"));
      bar.setAttribute("aria-hidden", "true");
      level.append(make("span"), bar, make("span"));
      box.append(level);
    }
    classes.forEach(([name, pool], i) => {
      const held = pool.held / pool.slots, level = box.children[i];
      level.classList.toggle("full", held > 0.9);
      say(level.children[0], name);
      level.children[1].firstChild.style.width = `${held * 100}%`;
      say(level.children[2], `${percent(held)} held, ${percent(pool.in_ring / pool.slots)} lent`);
    });
  }

  // ---- rules: filter, order, and as many as one can read ----

  let sorted = ruleColumns.find((column) => column.label === "Lost"), down = true;
  let rowsWanted = ROWS_STEP;
  const rulesTable = new Table(at("rules"), ruleColumns, (column) => {
    down = column === sorted ? !down : !column.up;
    sorted = column;
    showRules();
  });
  ruleColumns.forEach((column, i) => {
    const option = make("option", column.label);
    option.value = i;
    option.selected = column === sorted;
    at("order").append(option);
  });
  at("order").addEventListener("change", () => {
    sorted = ruleColumns[at("order").value];
    down = !sorted.up;
    showRules();
  });
  at("filter").addEventListener("input", () => {
    rowsWanted = ROWS_STEP;
    showRules();
  });
  at("more").addEventListener("click", () => {
    rowsWanted += ROWS_STEP;
    showRules();
  });

  // What a filter is looked for in: every word of it has to be there.
  const searched = (rule) => [rule.rule, rule.text, rule.state, rule.reason || "",
    ...rule.shards.map((shard) => `shard ${shard}`), ...Object.keys(rule.losses)]
    .join("\n").toLowerCase();

  function byOrder(a, b) {
    const x = sorted.sort(a), y = sorted.sort(b);
    let order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true })
      : (x ?? -1) - (y ?? -1);
    if (down) order = -order;
    // What is equal: what has a problem first, then as in the configuration.
    return order || (a.state === "live") - (b.state === "live") || a.place - b.place;
  }

  function showRules() {
    if (!now) return;
    const wanted = at("filter").value.toLowerCase();
    const rules = now.rules.filter((rule) => !wanted || searched(rule).includes(wanted));
    rules.sort(byOrder);
    const shown = rules.slice(0, Math.min(rowsWanted, ROWS_MAX));
    const hidden = now.rules.length - shown.length, beyond = rules.length - shown.length;
    rulesTable.mark(sorted, down);
    rulesTable.show(shown);
    at("order").value = ruleColumns.indexOf(sorted);
    say(at("hidden-rules"), hidden === 0 ? `All ${many(shown.length, "rule")} shown.`
      : `${many(shown.length, "rule")} shown, ${whole(hidden)} hidden: ` +
        `${whole(now.rules.length - rules.length)} do not match the filter, ` +
        `${whole(beyond)} come after these.`);
    at("more").hidden = beyond === 0 || shown.length >= ROWS_MAX;
    say(at("disabled"), now.disabled.length === 0 ? "" : `Kept aside: ` +
      now.disabled.slice(0, 20).map((rule) => rule.rule).join(", ") +
      (now.disabled.length > 20 ? ` and ${now.disabled.length - 20} more.` : "."));
  }

  // ---- legs of feeds: those that are silent first, then those that lose ----

  const legsTable = new Table(at("legs"), legColumns);
  const legsOf = (rules) => rules.filter((rule) => rule.merge).flatMap((rule) =>
    rule.merge.legs.map((leg) => ({ ...leg, rule: rule.rule, lostAll: rule.merge.lost_all })));
  function showLegs(before, seconds) {
    const name = (leg) => `${leg.ingress} ${leg.rule}`;
    const old = new Map(legsOf(before ? before.rules : []).map((leg) => [name(leg), leg]));
    const legs = legsOf(now.rules), shown = legs.map((leg) => {
      const then = seconds > 0 ? old.get(name(leg)) : undefined;
      const per = (key) => then ? Math.max(0, leg[key] - then[key]) / seconds : null;
      const rate = { received: per("received"), relayed: per("relayed"), lost: per("lost") };
      return { ...leg, now: rate, losing: leg.silent > 0 || rate.lost > 0,
        state: leg.silent ? "silent" : "live" };
    }).sort((a, b) => b.silent - a.silent || b.now.lost - a.now.lost).slice(0, ROWS_STEP);
    at("feeds").hidden = legs.length === 0;
    at("hidden-legs").hidden = legs.length === shown.length;
    say(at("hidden-legs"), `${many(shown.length, "leg")} shown, ` +
      `${whole(legs.length - shown.length)} hidden.`);
    legsTable.show(shown);
  }

  // ---- all of it ----

  const shardsTable = new Table(at("shards"), shardColumns);
  const interfacesTable = new Table(at("interfaces"), interfaceColumns);
  const lossesTable = new Table(at("losses"), lossColumns);
  let now = null, askedMs = 0, answeredAt = 0, silentSince = 0, timer = 0;

  function take(answer) {
    const again = now && (now.daemon.pid !== answer.daemon.pid || now.uptime_s > answer.uptime_s);
    const before = again ? null : now;
    const seconds = before ? answer.uptime_s - before.uptime_s : 0;
    if (before && seconds < 0.2) { // the same answer once more
      if (Date.now() - answeredAt > REPEATS_MS) throw new Error("it repeats what it said then");
      return;
    }
    answeredAt = Date.now();
    answer.rate = rates(answer.totals, before && before.totals, seconds);
    rateAll(answer.rules, before && before.rules, "rule", seconds);
    rateAll(answer.shards, before && before.shards, "shard", seconds);
    rateAll(answer.interfaces, before && before.interfaces, "interface", seconds);
    now = answer;
    showSums();
    showRules();
    shardsTable.show(now.shards);
    interfacesTable.show(now.interfaces);
    showLegs(before, seconds);
  }

  function showSums() {
    const rate = now.rate, states = { live: 0, degraded: 0, pending: 0, standby: 0, absent: 0 };
    for (const rule of now.rules) states[rule.state]++;
    const idle = states.standby + states.absent;
    say(at("state"), now.daemon.state);
    at("state").className = `chip ${stateClass(now.daemon.state)}`;
    say(at("about"), `${now.daemon.version}, ${now.daemon.engine}, up ${lasting(now.uptime_s)}`);
    say(at("sum-in"), perSecond(rate.in));
    say(at("sum-in-more"), `${bits(rate.inBits)}, ${short(now.totals.received)} so far` +
      (rate.kernel === null ? "" : `, ${percent(rate.kernel)} in the kernel`));
    say(at("sum-out"), perSecond(rate.out));
    say(at("sum-out-more"), `${bits(rate.outBits)}, ${short(now.totals.sent)} so far`);
    say(at("sum-lost"), perSecond(rate.lost));
    say(at("sum-lost-more"), `${whole(rate.lostEver)} since the start`);
    at("tile-lost").className = rate.lost > 0 ? "bad" : "";
    say(at("sum-rules"), whole(now.rules.length));
    say(at("sum-rules-more"), states.degraded + states.pending + idle === 0 ? "all live"
      : `${whole(states.live)} live, ${whole(states.degraded)} degraded, ` +
        `${whole(states.pending)} pending${idle > 0 ? `, ${whole(idle)} standing by` : ""}`);
    at("tile-rules").className = states.degraded + states.pending > 0 ? "warn" : "";
    say(at("machine"), `${now.machine.source}: ${many(now.machine.sockets, "socket")}, ` +
      `${many(now.machine.nodes.length, "node")}, ${many(now.machine.cores, "core")}, ` +
      `${many(now.machine.cpus, "CPU")}; ${many(now.shards.length, "shard")}`);
    const causes = Object.entries(now.totals.losses).map(([cause, ever]) => ({
      cause, ever, now: rate.lost === null ? null : rate.causes[cause] || 0,
      losing: rate.causes[cause] > 0,
    })).sort((a, b) => b.now - a.now || b.ever - a.ever);
    at("no-losses").hidden = causes.length > 0;
    at("losses").hidden = causes.length === 0;
    lossesTable.show(causes);
  }

  // The one that suits the page's width.
  let pictureShown = null;
  const pictureWanted = () =>
    PICTURES.find(([most]) => at("picture").clientWidth < most)[1];
  async function askPicture() {
    const name = pictureWanted();
    takePicture(await ask(name));
    pictureShown = name;
  }
  window.addEventListener("resize", () => {
    if (pictureShown && pictureShown !== pictureWanted()) {
      pictureShown = null; // one resize at a time
      askPicture().catch(() => {}); // the next round tells
    }
  });

  // The picture brings its colours as a style sheet, which is taken over once; as an element this
  // page's policy would not let it in.
  let colours = null;
  function takePicture(text) {
    const style = /<style>([^<]*)<\/style>/.exec(text);
    const svg = new DOMParser().parseFromString(text.replace(style ? style[0] : "", ""),
      "image/svg+xml").documentElement;
    if (svg.nodeName !== "svg" || !style) return;
    if (!colours) {
      colours = new CSSStyleSheet();
      colours.replaceSync(style[1]);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, colours];
    }
    at("picture").replaceChildren(document.importNode(svg, true));
  }

  async function ask(path) {
    const stop = new AbortController();
    const patience = setTimeout(() => stop.abort(), PATIENCE_MS);
    try {
      const response = await fetch(path, { signal: stop.signal, cache: "no-store" });
      const text = await response.text();
      if (!response.ok) throw new Error(`it answers "${text.trim() || response.status}"`);
      return text;
    } catch (error) {
      throw new Error(error.message.startsWith("it answers") ? error.message
        : "it does not answer");
    } finally {
      clearTimeout(patience);
    }
  }

  function showSilence(why) {
    document.body.classList.add("stale");
    document.title = "(gone) numacast";
    say(at("state"), "gone");
    at("state").className = "chip bad";
    at("alarm").hidden = false;
    say(at("alarm"), `Nothing was heard from numacastd since ` +
      `${new Date(silentSince).toLocaleTimeString()}: ${why}. ` +
      (now ? "What you see is how it was then." : ""));
  }

  function endSilence() {
    silentSince = 0;
    document.body.classList.remove("stale");
    document.title = "numacast";
    at("alarm").hidden = true;
    say(at("alarm"), "");
  }

  async function round() {
    const began = performance.now();
    clearTimeout(timer);
    timer = 0;
    if (document.hidden) return; // visibilitychange goes on
    try {
      const first = !now;
      take(JSON.parse(await ask("status.json")));
      endSilence();
      await askPicture();
      askedMs = first ? 0 : performance.now() - began;
    } catch (error) {
      silentSince = silentSince || answeredAt || Date.now();
      showSilence(error.message);
    }
    timer = setTimeout(round, now && now.rate.in === null ? FIRST_MS
      : Math.max(ASK_MS, ASK_SHARE * askedMs));
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer === 0) round();
  });
  round();
})();
