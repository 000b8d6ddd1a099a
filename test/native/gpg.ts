/**
 * GnuPG on a machine that has the card: a home of its own, a pinentry that types by itself (pinentry.py), and the menus of `gpg --card-edit` and
 * `--edit-key` answered line by line.
 */
import { expect } from "vitest";

/** NativeSession and Guest are. */
export interface Machine {
  run(
    script: string,
    options?: { readonly timeoutMs?: number },
  ): Promise<{ readonly code: number; readonly output: string }>;
  ok(script: string, options?: { readonly timeoutMs?: number }): Promise<string>;
}

export interface Pins {
  readonly user?: string;
  readonly admin?: string;
  readonly reset?: string;
  readonly "new-user"?: string;
  readonly "new-admin"?: string;
  readonly "new-reset"?: string;
  readonly passphrase?: string;
}

export const FACTORY_PINS: Pins = { user: "123456", admin: "12345678" };

/** The numbers of `key-attr`'s menu of curves with --expert, GnuPG 2.2, and what `--card-status` then calls them. */
export const curves = [
  { number: 1, sign: "ed25519", encrypt: "cv25519" },
  { number: 3, sign: "nistp256", encrypt: "nistp256" },
  { number: 4, sign: "nistp384", encrypt: "nistp384" },
  { number: 5, sign: "nistp521", encrypt: "nistp521" },
  { number: 6, sign: "brainpoolP256r1", encrypt: "brainpoolP256r1" },
  { number: 7, sign: "brainpoolP384r1", encrypt: "brainpoolP384r1" },
  { number: 8, sign: "brainpoolP512r1", encrypt: "brainpoolP512r1" },
  { number: 9, sign: "secp256k1", encrypt: "secp256k1" },
] as const;

export class Gpg {
  readonly #machine: Machine;
  readonly #timeoutMs: number;

  readonly home: string;

  /** `home`: of its own, made by `setUp`. */
  constructor(machine: Machine, home: string, options: { readonly timeoutMs?: number } = {}) {
    this.#machine = machine;
    this.home = home;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** `scdaemon`: lines of its configuration. */
  async setUp(pinentry: string, scdaemon: readonly string[] = []): Promise<void> {
    await this.ok(
      `mkdir -p -m 700 ${this.home}
       printf '%s\\n' 'pinentry-program ${pinentry}' enable-ssh-support > ${this.home}/gpg-agent.conf
       printf '%s\\n' ${scdaemon.map((line) => `'${line}'`).join(" ")} > ${this.home}/scdaemon.conf`,
    );
    await this.type(FACTORY_PINS);
  }

  /** What the pinentry types from now on. */
  async type(pins: Pins): Promise<void> {
    await this.ok(`cat > ${this.home}/pins <<'END'\n${JSON.stringify(pins)}\nEND`);
  }

  ok(script: string): Promise<string> {
    return this.#machine.ok(`export GNUPGHOME=${this.home}\n${script}`, { timeoutMs: this.#timeoutMs });
  }

  run(script: string): Promise<{ readonly code: number; readonly output: string }> {
    return this.#machine.run(`export GNUPGHOME=${this.home}\n${script}`, { timeoutMs: this.#timeoutMs });
  }

  /** Lets go of the card, so that what was verified is forgotten. */
  async release(): Promise<void> {
    // The agent as well: it would not see at once that its scdaemon is gone.
    await this.ok("gpgconf --kill all");
  }

  status(): Promise<string> {
    return this.ok("gpg --card-status");
  }

  /** Answers the menus of --card-edit; everything it says comes back. Throws when the card has refused something. */
  async cardEdit(...lines: readonly string[]): Promise<string> {
    const output = await this.ok(interaction("--card-edit", lines));
    expect(output).not.toMatch(/SC_OP_FAILURE/);
    return output;
  }

  /** The same, for what the card is to refuse. */
  async cardEditRefused(...lines: readonly string[]): Promise<string> {
    const { output } = await this.run(interaction("--card-edit", lines));
    expect(output).toMatch(/SC_OP_FAILURE/);
    return output;
  }

  editKey(name: string, ...lines: readonly string[]): Promise<string> {
    return this.ok(interaction(`--edit-key ${name}`, lines));
  }

  /** Sets the algorithm of all three keys: RSA's size, or a number of `curves`. */
  async setAlgorithm(algorithm: { readonly rsa: number } | { readonly curve: number }): Promise<void> {
    const answer = "rsa" in algorithm ? ["1", String(algorithm.rsa)] : ["2", String(algorithm.curve)];
    await this.cardEdit("admin", "key-attr", ...answer, ...answer, ...answer);
  }

  /** Makes all three keys on the card, for NAME@example.com. */
  async generate(name: string): Promise<void> {
    const output = await this.cardEdit("admin", "generate", "n", "0", `${name} of the card`, `${name}@example.com`, "");
    expect(output).toMatch(/^\[GNUPG:\] KEY_CREATED B /m);
  }

  /** Signs and verifies, encrypts and decrypts with the keys of NAME@example.com. */
  async expectToWork(name: string): Promise<void> {
    const user = `${name}@example.com`;
    const output = await this.ok(
      `cd ${this.home} && rm -f message* && echo "a message to ${user}" > message
       gpg --batch --quiet --local-user ${user} --output message.sig --detach-sign message
       gpg --batch --status-fd 1 --verify message.sig message
       gpg --batch --quiet --trust-model always --recipient ${user} --output message.enc --encrypt message
       gpg --batch --quiet --decrypt message.enc`,
    );
    expect(output).toMatch(/^\[GNUPG:\] GOODSIG /m);
    expect(output).toContain(`a message to ${user}\n`);
  }
}

function interaction(command: string, lines: readonly string[]): string {
  const answers = [...lines, "quit"].map((line) => `'${line}'`).join(" ");
  return `printf '%s\\n' ${answers} | gpg --command-fd 0 --status-fd 1 --expert --no-tty ${command}`;
}
