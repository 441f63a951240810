/**
 * The only style of a page. Colours of series: the palette of Okabe and Ito (2008), which people with colour-blindness can
 * tell apart, darkened for white paper and lightened for a dark one so that each has a contrast of 3 and more to it.
 */
export const STYLE = `
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#d8dee4;--card:#f6f8fa;
--s0:#0b63a5;--s1:#b4480a;--s2:#00795a;--s3:#a3427f;--s4:#7a6400;--s5:#2a86bd;--s6:#8a4b00;--s7:#555b62;
--good:#1a7f37;--warning:#9a6700;--bad:#cf222e;--muted:#6e7781}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--ink:#e6edf3;--soft:#9da7b3;--grid:#30363d;--card:#161b22;
--s0:#58a6e8;--s1:#f08a4b;--s2:#3cc79c;--s3:#e08bc0;--s4:#e3c63c;--s5:#8fd0f5;--s6:#e0a458;--s7:#a8b1bb;
--good:#3fb950;--warning:#d29922;--bad:#f85149;--muted:#8b949e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:2rem 1rem 4rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .5rem}
p{margin:.25rem 0 1rem}.note,.empty,.summary{color:var(--soft)}.note{display:block;font-size:.9rem}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.5rem;margin:1.5rem 0}
.facts div{background:var(--card);border:1px solid var(--grid);border-radius:6px;padding:.5rem .75rem}
.facts dt{color:var(--soft);font-size:.85rem}.facts dd{margin:0;font-size:1.15rem;font-weight:600;overflow-wrap:anywhere}
figure{margin:1.5rem 0}figcaption{margin-bottom:.25rem}
.chart{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
.tick,.mark-text{fill:var(--soft);font-size:11px}.label{fill:var(--ink)}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.mark{stroke:var(--soft);stroke-dasharray:4 3}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.dot,.bar,.area{fill:var(--c)}
.area{stroke:var(--page);stroke-width:1}.cell{fill:var(--s0)}.none{fill:none;stroke:var(--grid)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.25rem 0;padding:0;font-size:.9rem}
.swatch{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.4rem;background:var(--c)}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}
.s4{--c:var(--s4)}.s5{--c:var(--s5)}.s6{--c:var(--s6)}.s7{--c:var(--s7)}
.t-good{--c:var(--good)}.t-warning{--c:var(--warning)}.t-bad{--c:var(--bad)}.t-muted{--c:var(--muted)}
dd[class]{color:var(--c)}
details{font-size:.9rem}summary{cursor:pointer;color:var(--soft)}
.table{overflow:auto;max-height:24rem}table{border-collapse:collapse;margin:.5rem 0;font-size:.9rem}
caption{text-align:left;color:var(--soft)}
th,td{padding:.2rem .75rem .2rem 0;text-align:right;border-bottom:1px solid var(--grid);font-weight:400}
thead th{color:var(--soft)}th:first-child{text-align:left}
@media print{details{display:none}}
`;
