"use strict";

// Videos of the study: frames, masks laid over them, and the numbers of every frame. Everything is in `data`.
(function () {
  const data = JSON.parse(document.getElementById("player-data").textContent);
  const root = document.querySelector(".player");
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const [stage, picture, mask, rim] = ["stage", "picture", "mask", "rim"].map(find);
  const [slider, place, choice, chart, readout, play] = ["slider", "place", "choice", "chart", "readout", "play"].map(find);
  const state = { video: 0, at: 0, mask: data.shown, rim: true, score: true, timer: null };
  const number = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));

  function show() {
    const video = data.videos[state.video], index = video.shown[state.at];
    picture.src = video.pictures[state.at];
    picture.alt = `Frame ${video.frames[index]} of ${video.name}`;
    const over = (video.masks[state.mask] || [])[state.at], edge = state.rim ? video.outlines[state.at] : "";
    set(mask, over);
    set(rim, edge);
    slider.value = state.at;
    const last = video.frames[video.frames.length - 1];  // frames are called as the figures call them
    slider.setAttribute("aria-valuetext", `frame ${video.frames[index]} of ${last}`);
    place.textContent = `frame ${video.frames[index]} / ${last}`;
    root.querySelectorAll("[data-mask]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.mask === state.mask));
    find("toggle-rim").setAttribute("aria-pressed", state.rim);
    find("toggle-score").setAttribute("aria-pressed", state.score);
    find("numbers").hidden = !state.score;
    drawReadout(video, index);
    moveCursor(video, index);
  }

  function set(image, source) {
    if (source) image.src = source;
    else image.removeAttribute("src");
  }

  function drawReadout(video, index) {
    readout.replaceChildren(...data.cases.map((item) => {
      const own = video.numbers[item.name], row = document.createElement("tr");
      const kept = own.given[index] ? "given" : own.kept[index] ? "yes" : "no";
      const iou = own.absent[index] === 1 ? "absent" : number(own.iou[index]);  // 0 by rule: nothing was lost there
      [item.label, iou, number(own.score[index]), kept, own.prior[index] || "–", own.bank[index] ?? "–"]
        .forEach((text, column) => {
          const cell = document.createElement("td");
          cell.textContent = text;
          if (column === 0) cell.className = "left";
          row.append(cell);
        });
      return row;
    }));
  }

  // The chart has a box of 1000 x 100 that is stretched to its place; texts are HTML beside it.
  const svg = (name, attributes) => {
    const element = document.createElementNS(chart.namespaceURI, name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };
  const x = (video, index) => (1000 * index) / Math.max(1, video.frames.length - 1);
  const tops = data.videos.map((video) => Math.max(1.05, ...video.numbers[data.shown].score));
  const y = (value) => 88 - (84 * Math.max(0, value)) / tops[state.video];

  function line(video, values, colour) {
    let path = "", pen = "M";
    values.forEach((value, index) => {
      if (value === null) { pen = "M"; return; }
      path += `${pen}${x(video, index).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    return svg("path", { d: path, stroke: colour });
  }

  function shade(video, index, share) {  // paler where only some of the objects are absent
    const [left, right] = [index - 0.5, index + 0.5].map((at) => Math.min(1000, Math.max(0, x(video, at))));
    return svg("rect", { class: "shade", x: left, width: right - left, y: 0, height: y(0), opacity: share });
  }

  function drawChart(video) {
    const own = video.numbers[data.shown], other = data.cases.find((item) => item.name !== data.shown);
    const parts = own.absent.flatMap((share, index) => share ? [shade(video, index, share)] : []);
    parts.push(...[0, 0.5, 1].map((value) => svg("line", { x1: 0, x2: 1000, y1: y(value), y2: y(value), stroke: "var(--line)" })));
    data.gates.forEach((gate) =>
      parts.push(svg("line", { class: gate.line, x1: 0, x2: 1000, y1: y(gate.value), y2: y(gate.value), stroke: "var(--soft)" })));
    if (other) parts.push(line(video, video.numbers[other.name].iou, "var(--base)"));
    parts.push(line(video, own.iou, "var(--iou)"), line(video, own.score, "var(--score)"));
    own.kept.forEach((kept, index) => {
      if (kept || own.given[index]) parts.push(svg("line", { x1: x(video, index), x2: x(video, index), y1: 92, y2: 100, stroke: "var(--ink)", "stroke-width": 2 }));
    });
    parts.push(svg("line", { class: "cursor", y1: 0, y2: 100, stroke: "var(--ink)", "stroke-width": 1 }));
    chart.replaceChildren(...parts);
    root.querySelectorAll(".axes span").forEach((span) => { span.style.top = `${y(Number(span.textContent))}%`; });
  }

  function moveCursor(video, index) {
    const cursor = chart.querySelector(".cursor");
    cursor.setAttribute("x1", x(video, index));
    cursor.setAttribute("x2", x(video, index));
  }

  function open(video) {
    state.video = video;
    state.at = 0;
    const chosen = data.videos[video];
    slider.max = chosen.pictures.length - 1;
    stage.style.aspectRatio = `${chosen.width} / ${chosen.height}`;
    choice.value = video;
    drawChart(chosen);
    show();
  }

  function go(at) {
    state.at = Math.min(Math.max(at, 0), data.videos[state.video].pictures.length - 1);
    show();
  }

  function running(on) {
    clearInterval(state.timer);
    state.timer = on ? setInterval(() => go((state.at + 1) % data.videos[state.video].pictures.length), 125) : null;
    play.textContent = on ? "Pause" : "Play";
  }

  const toggle = (name) => { state[name] = !state[name]; show(); };
  const masks = [...root.querySelectorAll("[data-mask]")];
  const keys = {
    ArrowLeft: () => go(state.at - 1), ArrowRight: () => go(state.at + 1), Home: () => go(0), End: () => go(Infinity),
    " ": () => running(!state.timer), o: () => toggle("rim"), s: () => toggle("score"),
  };
  masks.forEach((button, position) => {
    button.addEventListener("click", () => { state.mask = button.dataset.mask; show(); });
    keys[position + 1] = () => button.click();
  });
  root.addEventListener("keydown", (event) => {
    const own = { SELECT: /./, INPUT: /^(Arrow|Home|End)/, BUTTON: /^ $/ }[event.target.tagName];  // what the control does itself
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || (own && own.test(event.key))) return;
    event.preventDefault();
    keys[event.key]();
  });
  slider.addEventListener("input", () => go(Number(slider.value)));
  choice.addEventListener("change", () => open(Number(choice.value)));
  play.addEventListener("click", () => running(!state.timer));
  stage.addEventListener("click", () => running(!state.timer));
  find("toggle-rim").addEventListener("click", keys.o);
  find("toggle-score").addEventListener("click", keys.s);
  chart.addEventListener("click", (event) => {
    const box = chart.getBoundingClientRect(), video = data.videos[state.video];
    const wanted = ((event.clientX - box.left) / box.width) * (video.frames.length - 1);
    const distance = (index) => Math.abs(index - wanted);
    go(video.shown.reduce((best, index, at) => (distance(index) < distance(video.shown[best]) ? at : best), 0));
  });
  open(0);
})();
