// Overwriting secrets in the buffers that we own. SECURITY.md says what JavaScript cannot promise beyond that.

export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
