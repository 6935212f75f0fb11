/** Names of a browser's own types that playwright-core speaks of; nothing here runs in a browser. */
interface Node {
  readonly nodeName: string;
}
interface HTMLElement extends Node {
  readonly tagName: string;
}
interface SVGElement extends Node {
  readonly tagName: string;
}
interface HTMLElementTagNameMap {
  readonly body: HTMLElement;
}
