/** Identity templates (`{{identity.entity.name}}`) in what roles keep. */

/** Whether a text has a template in it. */
export function hasTemplate(text: string): boolean {
  const open = text.indexOf('{{');
  return open >= 0 && text.indexOf('}}', open + 3) > 0;
}
