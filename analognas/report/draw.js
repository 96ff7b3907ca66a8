"use strict";
const PRINT_WIDTH = 680;
const PRINT_HEIGHT = 330;
const plots = Array.from(document.querySelectorAll(".plot"));
const sizes = new Map();
for (const plot of plots) {
  const figure = JSON.parse(plot.querySelector("script").textContent);
  const options = { responsive: true, displayModeBar: false, scrollZoom: false };
  Plotly.newPlot(plot, figure.data, figure.layout, options);
}
addEventListener("beforeprint", () => {
  for (const plot of plots) {
    sizes.set(plot, plot.layout.height);
    const columns = plot.closest(".grid") ? 3 : 1;
    const height = columns === 1 ? Math.min(plot.layout.height, PRINT_HEIGHT) : 220;
    Plotly.relayout(plot, { width: Math.floor(PRINT_WIDTH / columns) - 12, height });
  }
});
addEventListener("afterprint", () => {
  for (const plot of plots) Plotly.relayout(plot, { width: null, height: sizes.get(plot), autosize: true });
});
