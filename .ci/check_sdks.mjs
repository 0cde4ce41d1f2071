// Drives a running `voicespool mock` with Together's official client for JavaScript, streaming included.
//
//     npm install together-ai        # in a folder outside the tree
//     voicespool mock --bind 127.0.0.1:8790 &
//     node .ci/check_sdks.mjs http://127.0.0.1:8790 /folder/with/node_modules
//
// Prints one line a claim and ends with 1 at the first that does not hold. Speaks to loopback only.

import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const root = (process.argv[2] ?? "http://127.0.0.1:8790").replace(/\/$/, "").replace(/\/v1$/, "");
if (!["127.0.0.1", "localhost", "[::1]"].includes(new URL(root).hostname)) {
  console.error("check_sdks.mjs speaks to loopback only");
  process.exit(1);
}
const require = createRequire(path.resolve(process.argv[3] ?? ".", "node_modules", "x.js"));
const sdk = require("together-ai");
const Together = sdk.default ?? sdk;
const { toFile } = sdk;

const TEXT = "The meeting starts at nine thirty on Tuesday morning. It will finish before noon.";
const KOKORO = "hexgrad/Kokoro-82M";
const WHISPER = "openai/whisper-large-v3";
let held = 0;

function claim(what, holds, seen = "") {
  console.log(holds ? "ok  " : "FAIL", what, seen === "" ? "" : `(${seen})`);
  if (!holds) process.exit(1);
  held += 1;
}

const client = new Together({ apiKey: "sk-js-test", baseURL: `${root}/v1`, maxRetries: 0 });

async function bytes(response) {
  return Buffer.from(await response.arrayBuffer());
}

async function speech(options = {}) {
  return bytes(
    await client.audio.speech.create({
      model: KOKORO, voice: "af_heart", input: TEXT, response_format: "wav", ...options,
    }),
  );
}

async function refused(what, status, call) {
  try {
    await call();
  } catch (error) {
    claim(what, error.status === status, `${error.constructor.name} ${error.status}`);
    return;
  }
  claim(what, false, "no error");
}

const wav = await speech();
claim("speech is a WAV file", wav.subarray(0, 4).toString() === "RIFF", `${wav.length} bytes`);
const rate = wav.readUInt32LE(24);
claim("Kokoro speaks at 24 kHz", rate === 24000, rate);
const mp3 = await speech({ response_format: "mp3" });
claim("MP3 is MPEG audio", mp3.subarray(0, 3).toString() === "ID3" || mp3[0] === 0xff, mp3.length);
const raw = await speech({ response_format: "raw" });
claim("raw is the samples without a header", Math.abs(raw.length + 44 - wav.length) <= 64, raw.length);

const events = await client.audio.speech.create({
  model: KOKORO, voice: "af_heart", input: TEXT, response_format: "raw", stream: true,
});
const parts = [];
let count = 0;
for await (const event of events) {
  count += 1;
  const delta = event.delta ?? event.b64;
  if (delta) parts.push(Buffer.from(delta, "base64"));
}
const streamed = Buffer.concat(parts);
claim("streaming brings several events", count > 1, count);
claim("streamed samples are those of the whole answer", streamed.equals(raw), streamed.length);

const heard = await client.audio.transcriptions.create({
  model: WHISPER, language: "en", file: await toFile(wav, "speech.wav"),
});
claim("a transcript has its text", heard.text.includes("Tuesday morning"), heard.text.slice(0, 30));
for (const granularities of ["word", ["segment", "word"]]) {
  const verbose = await client.audio.transcriptions.create({
    model: WHISPER, language: "en", response_format: "verbose_json",
    timestamp_granularities: granularities, file: await toFile(wav, "speech.wav"),
  });
  claim(`words are timed (${granularities})`, verbose.words.length === 14, verbose.words.length);
  claim("segments are timed", verbose.segments.every((one) => one.end > one.start));
}
const diarized = await client.audio.transcriptions.create({
  model: WHISPER, language: "en", response_format: "verbose_json", diarize: true,
  min_speakers: 1, max_speakers: 2, file: await toFile(wav, "speech.wav"),
});
const speakers = new Set(diarized.speaker_segments.map((one) => one.speaker_id));
claim("speakers are told apart", speakers.size === 2, [...speakers].join(" "));
claim("a speaker's segment has its words", diarized.speaker_segments.every((one) => one.words.length > 0));
const translated = await client.audio.translations.create({
  model: WHISPER, language: "en", response_format: "verbose_json", file: await toFile(wav, "speech.wav"),
});
claim("a translation has text and segments", translated.text.length > 0 && translated.segments.length > 0);

const voices = await client.audio.voices.list();
const kokoro = voices.data.find((row) => row.model === KOKORO);
claim("voices are listed by model", kokoro.voices.length === 54, kokoro.voices.length);

await refused("an unknown model is refused", 404, () => speech({ model: "nobody/nothing" }));
await refused("an empty text is refused", 400, () => speech({ input: "" }));
await refused("a throttled request says so", 429, () =>
  client.audio.speech.create(
    { model: KOKORO, voice: "af_heart", input: TEXT },
    { headers: { "X-Mock-Fault": "status=429;retry-after=1" } },
  ),
);
console.log(`together-ai for JavaScript: ${held} claims hold`);
