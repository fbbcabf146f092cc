// Holds the auditor's private key and decrypts with it. The policy that this file is sent with (softswitch/web/headers.py)
// lets it reach no network: the key can go nowhere from here but to the page, which is never told it.
import makeLibrary from "./libsodium.mjs";
import { Unreadable, fingerprint, joined, openRecording, privateKey } from "./sealed_recording.js";

const STATE_BYTES = 52, LARGEST_CHUNK = 1200000;
const ready = makeLibrary({}).then((library) => {
  if (library._sodium_init() < 0) throw new Error("libsodium could not be started");
  return new Sodium(library);
});
let keys = null;

class Sodium {
  constructor(library) {
    this.library = library;
  }

  // Runs `work` with room for each length; the room is overwritten before it is given back.
  within(lengths, work) {
    const { library } = this, rooms = lengths.map((length) => library._malloc(Math.max(1, length)));
    try {
      return work(...rooms);
    } finally {
      rooms.forEach((room, index) => {
        library.HEAPU8.fill(0, room, room + lengths[index]);
        library._free(room);
      });
    }
  }

  put(bytes, room) {
    this.library.HEAPU8.set(bytes, room);
  }

  take(room, length) {
    return this.library.HEAPU8.slice(room, room + length);
  }

  // BLAKE2b-256.
  hash(bytes) {
    return this.within([32, bytes.length], (out, text) => {
      this.put(bytes, text);
      this.library._crypto_generichash(out, 32, text, bytes.length, 0, 0, 0);
      return this.take(out, 32);
    });
  }

  publicKey(secret) {
    return this.within([32, 32], (out, key) => {
      this.put(secret, key);
      this.library._crypto_scalarmult_base(out, key);
      return this.take(out, 32);
    });
  }

  // What crypto_box_seal has sealed; null with another key, or where it was altered.
  openSealed(sealed, pair) {
    return this.within([sealed.length - 48, sealed.length, 32, 32], (out, box, open, secret) => {
      this.put(sealed, box);
      this.put(pair.open, open);
      this.put(pair.secret, secret);
      return this.library._crypto_box_seal_open(out, box, sealed.length, 0, open, secret) ? null : this.take(out, sealed.length - 48);
    });
  }

  // crypto_secretstream_xchacha20poly1305, every message with the same associated data.
  pulling(key, header, associated) {
    const { library } = this, sizes = [STATE_BYTES, associated.length, LARGEST_CHUNK, LARGEST_CHUNK, 1];
    const [state, ad, text, sealed, tag] = sizes.map((size) => library._malloc(size));
    this.put(associated, ad);
    this.within([32, 24], (room, start) => {
      this.put(key, room);
      this.put(header, start);
      library._crypto_secretstream_xchacha20poly1305_init_pull(state, start, room);
    });
    return {
      pull: (bytes) => {
        if (bytes.length > LARGEST_CHUNK) return null;
        this.put(bytes, sealed);
        const wrong = library._crypto_secretstream_xchacha20poly1305_pull(state, text, 0, tag, sealed, bytes.length, 0, ad, associated.length, 0);
        return wrong ? null : { text: this.take(text, bytes.length - 17), tag: library.HEAPU8[tag] };
      },
      close: () => [state, ad, text, sealed, tag].forEach((room, index) => {
        library.HEAPU8.fill(0, room, room + sizes[index]);
        library._free(room);
      }),
    };
  }
}

async function takeKey(file) {
  const sodium = await ready, secret = file.size <= 4096 ? privateKey(await file.text()) : null;
  keys?.secret.fill(0);
  keys = null;
  if (!secret) throw new Unreadable("This file holds no private key; `softswitch recordings keygen` makes one.");
  const open = sodium.publicKey(secret);
  keys = { secret, open, fingerprint: fingerprint(sodium, open) };
  return { fingerprint: keys.fingerprint };
}

async function open(containers) {
  const sodium = await ready;
  if (!keys) throw new Unreadable("Choose your private key first.");
  return joined(containers.map((each) => openRecording(sodium, new Uint8Array(each), keys)));
}

self.onmessage = async ({ data: { number, what, given } }) => {
  try {
    const answer = what === "key" ? await takeKey(given) : await open(given);
    self.postMessage({ number, answer }, (answer.samples ?? []).map((plane) => plane.buffer));
  } catch (error) {
    const known = error instanceof Unreadable;
    self.postMessage({ number, trouble: known ? error.message : "This browser cannot decrypt recordings: it lacks WebAssembly or memory." });
  }
};
