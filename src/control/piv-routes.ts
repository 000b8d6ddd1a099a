// The control socket's routes for PIV.
import { bare, type RouteEntry } from "./route.ts";

export const pivOrders: readonly RouteEntry[] = [
  ["/v1/piv/info", bare(({ administration }) => administration.piv.info())],
  ["/v1/piv/reset", bare(({ administration }) => administration.piv.reset())],
];
