// The dynamic authentication template of GENERAL AUTHENTICATE. SP 800-73-4 pt 2 §3.2.4 table 7

export const AuthenticationTag = {
  TEMPLATE: 0x7c,
  WITNESS: 0x80,
  CHALLENGE: 0x81,
  RESPONSE: 0x82,
  EXPONENTIATION: 0x85,
} as const;
