/** Identity templates in the settings of engines: names that roles allow, filled in for whoever asks. */
import { NO_ALLOWANCES, fillTemplate, parseTemplate } from '../../policy/template.ts';
import type { TemplateAllowances } from '../../policy/template.ts';
import type { Services } from '../services.ts';
import type { Principal } from '../../model/principal.ts';

export type FillTemplate = (template: string, principal: Principal) => Promise<string | undefined>;

/** For engines that judge values themselves. */
export const ANY_VALUE: TemplateAllowances = { wildcards: true, slashes: true };

/**
 * Undefined when a value is missing, or holds what would widen the setting: `*`, `+` or `/`, unless they are allowed. Text
 * without directives stays as it is.
 */
export function identityTemplates(
  { begin, identity }: Pick<Services, 'begin' | 'identity'>,
  allowances: TemplateAllowances = NO_ALLOWANCES,
): FillTemplate {
  return async function fill(template, { entityId, tokenNamespace }) {
    let parsed: ReturnType<typeof parseTemplate>;
    try {
      parsed = parseTemplate(template);
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
    if (parsed === undefined) return template;
    const view = await identity.view(begin(), tokenNamespace.id, entityId);
    return fillTemplate(parsed, view, tokenNamespace.id, allowances);
  };
}
