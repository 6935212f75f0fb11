/** The one style of all pages. */

export const STYLE = `
:root { color-scheme: light dark; --edge: #8886; --accent: #1f5fbf; --bad: #b3261e; --bad-back: #b3261e14; }
@media (prefers-color-scheme: dark) { :root { --accent: #7fb0ff; --bad: #ff9a91; --bad-back: #ff9a911f; } }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 8vh auto; padding: 0 1.25rem 3rem; }
main:has(table) { max-width: 56rem; }
.name { margin: 0; font-size: .85rem; letter-spacing: .08em; text-transform: uppercase; opacity: .7; }
h1 { margin: 0 0 1.25rem; font-size: 1.6rem; line-height: 1.25; }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
input, textarea { display: block; width: 100%; margin-top: .25rem; padding: .55rem .7rem; font: inherit; border: 1px solid var(--edge); border-radius: .4rem; }
button, .button { display: inline-block; margin: 0 .5rem .5rem 0; padding: .55rem 1.1rem; font: inherit; font-weight: 600; text-decoration: none; color: Canvas; background: var(--accent); border: 1px solid var(--accent); border-radius: .4rem; cursor: pointer; }
button.quiet, .button.quiet { color: var(--accent); background: transparent; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.problem { margin: 0 0 1.25rem; padding: .7rem .9rem; color: var(--bad); background: var(--bad-back); border-left: 4px solid var(--bad); }
.hint { font-size: .9rem; opacity: .8; }
details { margin: 0 0 1rem; }
summary { cursor: pointer; margin-bottom: .5rem; }
.ways { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 1rem 0 0; margin: 1.5rem 0 0; border-top: 1px solid var(--edge); list-style: none; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin-bottom: 1.5rem; }
th.short { width: 7rem; }
th.half { width: 12rem; }
th, td { padding: .5rem .75rem .5rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 0 0 1.5rem; }
dt { opacity: .75; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 45rem) {
  thead { display: none; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--edge); }
  td { display: grid; grid-template-columns: 6rem 1fr; gap: .75rem; padding: .15rem 0; border: 0; }
  td::before { content: attr(data-name); opacity: .75; }
}
pre { padding: .8rem; overflow: auto; border: 1px solid var(--edge); border-radius: .4rem; }
`;
