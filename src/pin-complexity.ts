// What makes a PIN easy to guess whatever its length, for applications that are told to mind that. `characters`: code
// points or bytes, none of which is padding.

/** One character repeated ("0000"), or steps of one through the code points ("1234", "dcba"). */
export function isProgression(characters: readonly number[]): boolean {
  const [first = 0, second = first] = characters;
  const step = second - first;
  return Math.abs(step) <= 1 && characters.every((character, i) => character === first + i * step);
}

/** A part of itself twice or more: "1212", "abcabc". */
export function isRepetition(characters: readonly number[]): boolean {
  for (let period = 1; period <= characters.length / 2; period++) {
    if (characters.length % period !== 0) continue;
    if (characters.every((character, i) => character === characters[i % period])) return true;
  }
  return false;
}
