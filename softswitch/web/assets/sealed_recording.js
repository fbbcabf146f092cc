// Reads a sealed recording (docs/recording-format.md). Knows no network and no page; `sodium` does the cryptography.
const MAGIC = "SSRECORD", TRAILER_MAGIC = "SSRTRAIL";
const FIXED = 149, PREFIX = 16, TOTALS = 24, TRAILER = 124, OVERHEAD = 17, TAG_FINAL = 3, MOST_CHANNELS = 3;
const AUDIO = 1, PAUSED = 2, RESUMED = 3, ENDED = 4;
const SIZES = [0, 1, 1, 2]; // bytes a sample: silence, µ-law, A-law, linear
const LONGEST_S = 24 * 3600;
export const LONGEST_GAP_S = 600;

export class Unreadable extends Error {}

const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const ascii = (bytes) => String.fromCharCode(...bytes);

// ITU-T G.711, on the 16-bit scale.
function ulaw(code) {
  const told = ~code & 0xff, exponent = (told >> 4) & 7, magnitude = ((((told & 15) << 3) + 132) << exponent) - 132;
  return told & 0x80 ? -magnitude : magnitude;
}
function alaw(code) {
  const told = code ^ 0x55, exponent = (told >> 4) & 7, mantissa = (told & 15) << 4;
  const magnitude = exponent ? (mantissa + 264) << (exponent - 1) : mantissa + 8;
  return told & 0x80 ? magnitude : -magnitude;
}
const TABLES = [null, ulaw, alaw].map((expand) => expand && Int16Array.from({ length: 256 }, (_, code) => expand(code)));

// The private key's file: comments, and one line of 64 hexadecimal digits or 44 of base64. Null for anything else.
export function privateKey(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  if (lines.length !== 1) return null;
  const [line] = lines;
  if (/^[0-9a-fA-F]{64}$/.test(line)) return Uint8Array.from(line.match(/../g), (pair) => parseInt(pair, 16));
  if (!/^[A-Za-z0-9+/]{43}=$/.test(line)) return null;
  return Uint8Array.from(atob(line), (sign) => sign.charCodeAt(0));
}

export function fingerprint(sodium, publicKey) {
  return hex(sodium.hash(publicKey).slice(0, 16));
}

function readHeader(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < FIXED || ascii(data.subarray(0, 8)) !== MAGIC) throw new Unreadable("This is no sealed recording.");
  const version = view.getUint16(8, true), size = view.getUint16(10, true), channels = data[12];
  if (version !== 1) throw new Unreadable(`It is of version ${version} of the format; this page reads version 1.`);
  const name = data[148], rate = view.getUint32(16, true);
  const sound = size === FIXED + name && name >= 1 && name <= 120 && data.length >= size && channels >= 1
    && channels <= MOST_CHANNELS && data[13] === 1 && rate >= 1000 && rate <= 192000;
  if (!sound) throw new Unreadable("Its header is damaged.");
  return {
    channels, rate, part: view.getUint16(14, true), startedMs: Number(view.getBigInt64(20, true) / 1000000n),
    fingerprint: hex(data.subarray(28, 44)), sealedKey: data.subarray(44, 124), streamHeader: data.subarray(124, 148),
    whole: data.subarray(0, size), callRef: ascii(data.subarray(FIXED, size)),
  };
}

// Where each whole chunk lies, and how the file ends, as can be told without a key.
function walk(data, header) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const most = OVERHEAD + PREFIX + 2 * header.channels * header.rate, spans = [];
  const isTrailer = (at) => at >= 0 && at + TRAILER === data.length && view.getUint32(at, true) === 0
    && ascii(data.subarray(at + 4, at + 12)) === TRAILER_MAGIC;
  let at = header.whole.length;
  while (at < data.length) {
    if (data.length - at < 4) return { spans, torn: true };
    const length = view.getUint32(at, true);
    if (length === 0) {
      if (data.length - at < TRAILER) return { spans, torn: true, within: "trailer" };
      if (!isTrailer(at)) return { spans, trouble: `Its trailer (byte ${at}) is damaged, or something follows it.` };
      if (view.getBigUint64(at + 20, true) !== BigInt(at)) return { spans, closed: true, trouble: "Bytes were taken out or put in after it was closed." };
      return { spans, closed: true };
    }
    const number = spans.length + 1;
    if (length < OVERHEAD + PREFIX || length > most) return { spans, trouble: `Chunk ${number} (byte ${at}) has a length that no chunk has: it was altered there.` };
    if (at + 4 + length > data.length) {
      if (isTrailer(data.length - TRAILER)) return { spans, trouble: `Chunk ${number} (byte ${at}) reaches beyond the end: it was altered there.` };
      return { spans, torn: true };
    }
    spans.push([at + 4, length]);
    at += 4 + length;
  }
  return { spans, torn: true };
}

// A chunk's text; throws where one that authenticates makes no sense: no recorder of ours has written it.
function readChunk(text, header, number, isLast, expected) {
  const wrong = () => new Unreadable(`Chunk ${number} contradicts itself or those before it.`);
  const view = new DataView(text.buffer, text.byteOffset, text.byteLength);
  const kind = text[0], encodings = text.subarray(1, 1 + header.channels), count = view.getUint32(4, true);
  const position = Number(view.getBigInt64(8, true));
  if (kind < AUDIO || kind > ENDED || encodings.some((each) => each > 3)) throw wrong();
  const body = encodings.reduce((sum, each) => sum + SIZES[each] * count, PREFIX) + (kind === ENDED ? TOTALS : 0);
  if (text.length !== body || position < expected || position > LONGEST_S * header.rate || isLast !== (kind === ENDED)
    || (kind !== AUDIO && count) || count > header.rate) throw wrong();
  const planes = [];
  let at = PREFIX;
  for (const encoding of encodings) {
    const plane = new Int16Array(count);
    if (encoding === 3) for (let n = 0; n < count; n++) plane[n] = view.getInt16(at + 2 * n, true);
    else if (encoding) for (let n = 0; n < count; n++) plane[n] = TABLES[encoding][text[at + n]];
    planes.push(plane);
    at += SIZES[encoding] * count;
  }
  const totals = kind === ENDED ? [Number(view.getBigUint64(PREFIX, true)), Number(view.getBigUint64(PREFIX + 8, true))] : null;
  return { kind, position, count, planes, totals };
}

// The recording as it is heard: what was paused is silence, so that every sample keeps its moment. It is read up to the
// first chunk that is not what was written there; `trouble` says what is wrong, `isFinished` whether the end was reached.
export function openRecording(sodium, data, keys) {
  const header = readHeader(data);
  if (header.fingerprint !== keys.fingerprint) {
    throw new Unreadable(`Another key: the recording was sealed to ${header.fingerprint}, this private key is that of ${keys.fingerprint}.`);
  }
  const key = sodium.openSealed(header.sealedKey, keys);
  if (!key) throw new Unreadable("Its header was altered: the key in it cannot be opened.");
  const stream = sodium.pulling(key, header.streamHeader, header.whole);
  key.fill(0);
  const { spans, torn, within, closed, trouble: shape } = walk(data, header);
  const pieces = [], pauses = [];
  let here = 0, stored = 0, pausedAt = null, isFinished = false, trouble = "";
  try {
    for (const [index, [start, length]] of spans.entries()) {
      const where = `Chunk ${index + 1} (from ${(here / header.rate).toFixed(2)} s on)`;
      if (isFinished) throw new Unreadable(`${where} follows the last: it was added.`);
      const opened = stream.pull(data.subarray(start, start + length));
      if (!opened) throw new Unreadable(`${where} is not what was written there: it was altered, moved or replaced, or others were taken out.`);
      const isLast = opened.tag === TAG_FINAL, chunk = readChunk(opened.text, header, index + 1, isLast, here);
      if (chunk.kind === AUDIO) pieces.push([chunk.position, chunk.planes]);
      if (chunk.kind === PAUSED) pausedAt = chunk.position;
      if (pausedAt !== null && (chunk.kind === RESUMED || chunk.kind === ENDED)) {
        pauses.push([pausedAt, chunk.position]);
        pausedAt = null;
      }
      here = chunk.position + chunk.count;
      stored += chunk.count;
      if (isLast && (chunk.totals[0] !== stored || chunk.totals[1] !== index)) {
        throw new Unreadable(`It holds ${stored} samples in ${index} chunks; ${chunk.totals[0]} in ${chunk.totals[1]} were written.`);
      }
      isFinished = isLast;
    }
    if (shape) throw new Unreadable(shape);
    if (!isFinished && closed) throw new Unreadable(`Its last chunk is missing, though it was closed: chunks after ${spans.length} were taken out.`);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    trouble = error.message;
    isFinished = false;
  } finally {
    stream.close();
  }
  const samples = Array.from({ length: header.channels }, () => new Int16Array(here));
  for (const [position, planes] of pieces) planes.forEach((plane, channel) => samples[channel].set(plane, position));
  const cutOff = !trouble && !isFinished && torn && within !== "trailer";
  return { callRef: header.callRef, part: header.part, rate: header.rate, startedMs: header.startedMs, samples, pauses, isFinished, cutOff, trouble };
}

// The parts of one call on its clock: a part begins when it began, and never before the one before it has ended.
export function joined(parts) {
  const [first] = parts, rate = first.rate, starts = [];
  let end = 0;
  for (const part of parts) {
    if (part.rate !== rate || part.samples.length !== first.samples.length) throw new Unreadable("Its parts do not fit together.");
    const told = Math.round((part.startedMs - first.startedMs) * rate / 1000);
    starts.push(Math.min(Math.max(told, end), end + LONGEST_GAP_S * rate));
    end = starts.at(-1) + part.samples[0].length;
  }
  const samples = first.samples.map(() => new Int16Array(end)), silent = [];
  let heard = 0;
  parts.forEach((part, index) => {
    part.samples.forEach((plane, channel) => samples[channel].set(plane, starts[index]));
    if (starts[index] > heard) silent.push([heard, starts[index]]);
    silent.push(...part.pauses.map(([from, to]) => [from + starts[index], to + starts[index]]));
    heard = starts[index] + part.samples[0].length;
  });
  const troubles = parts.flatMap((part, index) => {
    const which = parts.length > 1 ? `Part ${index + 1}: ` : "", at = ((starts[index] + part.samples[0].length) / rate).toFixed(2);
    if (part.trouble) return [`${which}${part.trouble} What is heard before is as it was recorded.`];
    return part.cutOff ? [`${which}a crash cut the recording off at ${at} s.`] : [];
  });
  return { rate, samples, silent, troubles, starts, startedMs: first.startedMs };
}
