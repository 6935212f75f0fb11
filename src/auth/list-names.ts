/** Listings of what an auth method stores: users, roles, accessors. */
export { LIST_FIELDS, listNames, listedNames, namesBelow } from '../model/list-names.ts';
export type { ListRequest } from '../model/list-names.ts';
