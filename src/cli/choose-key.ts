// Which key a command means: the one behind --control, the one of --store, or the only one that runs; and the way to it,
// through its socket when it runs, through its store when it does not.
import { existsSync, realpathSync } from "node:fs";
import { KeyStoreError } from "../../keystore/index.ts";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { ControlClient } from "../control/client.ts";
import { administer } from "../control/local-administration.ts";
import type { Administration } from "../control/messages.ts";
import { findRunningKeys, type RunningKey } from "../control/running-keys.ts";
import { denyPresence } from "../presence/deny.ts";
import { createSecurityKey } from "../security-key.ts";
import { Failure } from "./failure.ts";
import { type FeatureOptions, fido2Features } from "./features.ts";
import { openStore, type Surroundings } from "./open-store.ts";
import type { SecretOptions } from "./secrets.ts";
import { defaultStorePath } from "./store-location.ts";

/** How a command names a key that may run or not. */
export interface KeyOptions extends SecretOptions, FeatureOptions {
  readonly control?: string;
  readonly store?: string;
}

/** The running key that `control` names, or the only one. Throws Failure. */
export async function chooseRunningKey(control: string | undefined, env: NodeJS.ProcessEnv): Promise<ControlClient> {
  if (control !== undefined) return new ControlClient(control);
  const only = onlyOne(await findRunningKeys(env));
  if (only === undefined) throw new Failure('No key is running: start one with "latchkey serve".');
  return new ControlClient(only.path);
}

function onlyOne(keys: readonly RunningKey[]): RunningKey | undefined {
  if (keys.length < 2) return keys[0];
  const paths = keys.map(({ path }) => path).join(", ");
  throw new Failure(`${keys.length} keys are running: say which with --control, ${paths}.`);
}

/**
 * Runs `use` on a key, running or not. Without --control and --store it is the only key that runs, or else the key in
 * the usual store. Throws Failure, KeyStoreError or Refusal.
 */
export async function withKey<T>(
  options: KeyOptions,
  around: Surroundings,
  use: (administration: Administration) => Promise<T>,
): Promise<T> {
  const { control, store } = options;
  if (control !== undefined) {
    if (store !== undefined) throw new Failure("Give --control or --store, not both: each names a key.");
    return use(new ControlClient(control).administration);
  }
  const running = await findRunningKeys(around.env);
  const chosen = store === undefined ? onlyOne(running) : running.find((key) => isServing(key, store));
  if (chosen !== undefined) return use(new ControlClient(chosen.path).administration);
  return withStoppedKey({ ...options, store: store ?? defaultStorePath(around.env) }, around, use);
}

/** Runs `use` on a key that is made for it and forgotten afterwards. */
export async function withNewKey<T>(
  features: FeatureOptions,
  use: (administration: Administration) => Promise<T>,
): Promise<T> {
  const store = new MemoryKeyStore();
  return use(administer(await createSecurityKey({ store, presence: denyPresence, fido2: fido2Features(features) })));
}

async function withStoppedKey<T>(
  options: KeyOptions & { readonly store: string },
  around: Surroundings,
  use: (administration: Administration) => Promise<T>,
): Promise<T> {
  if (!existsSync(options.store)) {
    throw new Failure(`No running key was found, and there is no store ${options.store}: "latchkey init" makes one.`);
  }
  const store = await openStore(options, around).catch((error: unknown) => {
    throw asFailure(error, options.store);
  });
  try {
    return await use(
      administer(await createSecurityKey({ store, presence: denyPresence, fido2: fido2Features(options) })),
    );
  } finally {
    await store.close();
  }
}

/** A key that runs with a socket elsewhere holds its store, and cannot be found by it. */
function asFailure(error: unknown, store: string): unknown {
  if (!(error instanceof KeyStoreError && error.code === "in-use")) return error;
  return new Failure(
    `${store} is in use, but no running key was found that serves it: name its socket with --control.`,
    {
      cause: error,
    },
  );
}

function isServing({ status }: RunningKey, store: string): boolean {
  try {
    return status !== undefined && status.store === realpathSync(store);
  } catch {
    return false; // there is no such file: opening it will say so
  }
}
