// Certificates as people and their programs exchange them: PEM (RFC 7468 §5), and the parts of a subject's name.
import { X509Certificate } from "node:crypto";

/** `certificate`: in DER. The text ends with a line break. */
export function encodeCertificatePem(certificate: Uint8Array): string {
  const text = new X509Certificate(certificate).toString();
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** One attribute of the subject, such as "O"; undefined when it has none or several. */
export function subjectAttribute(certificate: Uint8Array, name: "C" | "O" | "CN"): string | undefined {
  const { subject } = new X509Certificate(certificate).toLegacyObject();
  const value: unknown = subject[name];
  return typeof value === "string" ? value : undefined;
}
