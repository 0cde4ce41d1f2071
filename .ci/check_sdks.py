#!/usr/bin/env python3
"""Drives a running `voicespool mock` with the official Python clients of its two contracts.

The mock is the ground that every other test stands on, so it is held against programs that
were written by the providers themselves: what their SDKs can parse, we may rely on.

    pip install openai together          # in a virtual environment outside the tree
    voicespool mock --bind 127.0.0.1:8790 &
    .ci/check_sdks.py http://127.0.0.1:8790

Prints one line a claim and ends with 1 at the first that does not hold. Speaks to loopback only.
"""

import base64
import io
import json
import os
import sys
import time
import urllib.parse
import urllib.request
import wave

os.environ["NO_PROXY"] = "127.0.0.1,localhost,::1"

import openai
import together

ROOT = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8790").rstrip("/").removesuffix("/v1")
if urllib.parse.urlsplit(ROOT).hostname not in ("127.0.0.1", "localhost", "::1"):
    sys.exit("check_sdks.py speaks to loopback only")

TEXT = "The meeting starts at nine thirty on Tuesday morning. It will finish before noon."
KOKORO, WHISPER = "hexgrad/Kokoro-82M", "openai/whisper-large-v3"
held = 0


def claim(what, holds, seen=""):
    global held
    print("ok  " if holds else "FAIL", what, f"({seen})" if seen != "" else "", flush=True)
    if not holds:
        sys.exit(1)
    held += 1


def refused(what, kind, call):
    try:
        call()
    except kind as error:
        claim(what, True, f"{type(error).__name__} {error.status_code}")
        return error
    except Exception as error:  # the wrong exception is a finding, not a crash
        claim(what, False, repr(error))
    claim(what, False, "no error")


def admin(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ROOT}/_mock/{path}", data=data)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def samples(file):
    with wave.open(io.BytesIO(file)) as sound:
        return sound.getframerate(), sound.getnchannels(), sound.getsampwidth(), sound.getnframes()


def is_mp3(file):
    return file[:3] == b"ID3" or (len(file) > 1 and file[0] == 0xFF and file[1] & 0xE0 == 0xE0)


def upload(file, name="clip.wav"):
    return (name, io.BytesIO(file))


def shape_of(transcript, what):
    words, duration = transcript.words, transcript.duration
    claim(f"{what}: text", transcript.text == TEXT, transcript.text)
    claim(f"{what}: segments in order", all(s.start <= s.end for s in transcript.segments), len(transcript.segments))
    claim(f"{what}: every word", [w.word for w in words] == TEXT.split(), len(words))
    claim(f"{what}: times inside", all(w.start <= w.end <= duration + 0.05 for w in words), duration)


def check_openai(client):
    speak = client.audio.speech
    wav = speak.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav").read()
    rate, channels, width, frames = samples(wav)
    claim("openai: wav speech", (rate, channels, width) == (24000, 1, 2) and frames > rate, f"{frames} frames")
    default = speak.create(model="tts-1", voice="nova", input=TEXT).read()
    claim("openai: mp3 is the default", is_mp3(default), f"{len(default)} bytes")
    faster = speak.create(model="tts-1", voice="alloy", input=TEXT, response_format="wav", speed=2.0).read()
    claim("openai: speed", abs(samples(faster)[3] * 2 - frames) < 100, f"{samples(faster)[3]} frames")
    with speak.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=TEXT, response_format="pcm", instructions="calm"
    ) as answer:
        size = sum(len(piece) for piece in answer.iter_bytes())
    claim("openai: streamed pcm is as long as the wav", size == 2 * frames, f"{size} bytes")

    listen = client.audio.transcriptions
    plain = listen.create(model="whisper-1", file=upload(wav))
    claim("openai: json transcription is truthful", plain.text == TEXT, plain.text)
    verbose = listen.create(
        model="whisper-1", file=upload(wav), response_format="verbose_json",
        timestamp_granularities=["word", "segment"], language="en", prompt="a meeting", temperature=0.0,
    )
    shape_of(verbose, "openai: verbose_json")
    from_mp3 = listen.create(model="whisper-1", file=upload(default, "clip.mp3"))
    claim("openai: an mp3 answer is recognised", from_mp3.text == TEXT, from_mp3.text)
    translated = client.audio.translations.create(model="whisper-1", file=upload(wav))
    claim("openai: translation", bool(translated.text))

    models = client.models.list()
    claim("openai: models", {"tts-1", "whisper-1"} <= {model.id for model in models.data}, len(models.data))

    refused("openai: too long is 400", openai.BadRequestError,
            lambda: speak.create(model="tts-1", voice="alloy", input="x" * 5000))
    refused("openai: unknown voice is 400", openai.BadRequestError,
            lambda: speak.create(model="tts-1", voice="nobody", input=TEXT))
    refused("openai: unknown field is 400", openai.BadRequestError,
            lambda: speak.create(model="tts-1", voice="alloy", input=TEXT, extra_body={"sample_rate": 8000}))
    refused("openai: unknown model is 404", openai.NotFoundError,
            lambda: speak.create(model="tts-99", voice="alloy", input=TEXT))
    refused("openai: garbage is 400", openai.BadRequestError,
            lambda: listen.create(model="whisper-1", file=upload(b"no sound at all")))
    refused("openai: 401", openai.AuthenticationError,
            lambda: speak.create(model="tts-1", voice="alloy", input=TEXT, extra_headers={"X-Mock-Fault": "status=401"}))
    refused("openai: 503", openai.InternalServerError,
            lambda: speak.create(model="tts-1", voice="alloy", input=TEXT, extra_headers={"X-Mock-Fault": "status=503"}))
    return wav


def check_together(client, wav):
    speak = client.audio.speech
    kokoro = speak.create(model=KOKORO, voice="af_heart", input=TEXT, response_format="wav").read()
    claim("together: wav speech at 24 kHz", samples(kokoro)[:3] == (24000, 1, 2), samples(kokoro))
    default = speak.create(model=KOKORO, voice="af_heart", input=TEXT).read()
    claim("together: wav is the default", default == kokoro)
    mixed = speak.create(model=KOKORO, voice="af_bella(2)+bm_george(1)", input=TEXT, response_format="mp3").read()
    claim("together: mixed voices, mp3", is_mp3(mixed), f"{len(mixed)} bytes")
    with speak.with_streaming_response.create(
        model=KOKORO, voice="af_heart", input=TEXT, response_format="raw",
        response_encoding="pcm_f32le", sample_rate=44100,
    ) as answer:
        raw = b"".join(answer.iter_bytes())
    claim("together: Kokoro's raw is s16le at 24 kHz whatever is asked for", raw == kokoro[44:], f"{len(raw)} bytes")
    sonic = speak.create(model="cartesia/sonic-3", voice="reading lady", input=TEXT, response_format="raw",
                         response_encoding="pcm_s16le", sample_rate=8000, language="en").read()
    claim("together: Cartesia honours rate and coding", abs(len(sonic) - len(raw) / 3) < 100, f"{len(sonic)} bytes")

    listen = client.audio.transcriptions
    plain = listen.create(model=WHISPER, file=upload(kokoro), language="en")
    claim("together: json transcription is truthful", plain.text == TEXT, plain.text)
    for granularities in (["word", "segment"], "word"):
        verbose = listen.create(model=WHISPER, file=upload(mixed, "clip.mp3"), response_format="verbose_json",
                                timestamp_granularities=granularities, language="auto")
        shape_of(verbose, f"together: verbose_json by {granularities!r}")
    order = admin("requests")["requests"][-1]["parts"]
    claim("together: the model part comes before the file", order.index("model") < order.index("file"), order)
    speakers = listen.create(model=WHISPER, file=upload(wav), response_format="verbose_json", diarize=True)
    claim("together: diarized", bool(speakers.speaker_segments), len(speakers.speaker_segments))
    german = client.audio.translations.create(model=WHISPER, file=upload(wav), language="de",
                                              response_format="verbose_json")
    claim("together: translation names its language", german.language == "de", german.language)

    voices = {entry.model: len(entry.voices) for entry in client.audio.voices.list().data}
    claim("together: voices", voices[KOKORO] == 54, voices)
    # SDK 3 lists a project's own models only; its transport still reaches the catalogue.
    models = client.get("/v1/models", cast_to=object)
    claim("together: models are a bare list", {KOKORO, WHISPER} <= {model["id"] for model in models}, len(models))

    refused("together: empty input is 400", together.BadRequestError,
            lambda: speak.create(model=KOKORO, voice="af_heart", input=" "))
    refused("together: unsupported format is 400", together.BadRequestError,
            lambda: speak.create(model=KOKORO, voice="af_heart", input=TEXT, response_format="opus"))
    error = refused("together: unknown model is 404", together.NotFoundError,
                    lambda: speak.create(model="x/y", voice="z", input=TEXT))
    claim("together: the error names its code", "model_not_available" in str(error.body), error.body)
    refused("together: 401", together.AuthenticationError,
            lambda: speak.create(model=KOKORO, voice="af_heart", input=TEXT, extra_headers={"X-Mock-Fault": "status=401"}))


def check_streams(root):
    """Speech in events, by both SDKs: the samples are those of the answer in one body."""
    client = together.Together(base_url=root, api_key="x", max_retries=0, timeout=60)
    speak = client.audio.speech
    whole = speak.create(model=KOKORO, voice="af_heart", input=TEXT, response_format="raw").read()
    events = list(speak.create(model=KOKORO, voice="af_heart", input=TEXT, response_format="raw", stream=True))
    fields = [event.model_dump() for event in events]
    parts = [base64.b64decode(event.get("delta") or event.get("b64") or "") for event in fields]
    claim("together: streaming brings several events", len(events) > 1, len(events))
    claim("together: streamed samples are those of one body", b"".join(parts) == whole, f"{len(whole)} bytes")
    timed = speak.create(model=KOKORO, voice="af_heart", input=TEXT, response_format="raw", stream=True,
                         extra_body={"alignment": "word"})
    words = [word for event in timed for word in event.model_dump().get("words") or []]
    claim("together: words are timed in the stream", len(words) == 14, len(words))
    client = openai.OpenAI(base_url=f"{root}/v1", api_key="x", max_retries=0, timeout=60)
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="pcm", stream_format="sse"
    ) as answer:
        lines = [line[6:] for line in answer.iter_lines() if line.startswith("data: ") and line != "data: [DONE]"]
    events = [json.loads(line) for line in lines]
    sound = b"".join(base64.b64decode(event["audio"]) for event in events if event["type"] == "speech.audio.delta")
    claim("openai: events carry samples", len(sound) > 48000, f"{len(sound)} bytes")
    claim("openai: the last event is done", events[-1]["type"] == "speech.audio.done", events[-1]["type"])


def check_pace(root):
    admin("faults", {"rate": {"per_second": 2, "burst": 1}})
    patient = openai.OpenAI(base_url=f"{root}/v1", api_key="x", max_retries=6)
    begun = time.monotonic()
    for _ in range(3):
        patient.audio.speech.create(model="tts-1", voice="alloy", input="Hi.")
    claim("openai: its SDK gets through a rate limit by waiting", time.monotonic() - begun > 0.8,
          f"{time.monotonic() - begun:.1f} s")
    admin("faults", {"rate": {"per_second": 0.01}})
    hasty = together.Together(base_url=root, api_key="x", max_retries=0)
    hasty.audio.speech.create(model=KOKORO, voice="af_heart", input="Hi.")
    error = refused("together: 429", together.RateLimitError,
                    lambda: hasty.audio.speech.create(model=KOKORO, voice="af_heart", input="Hi."))
    claim("together: with the wait in x-ratelimit-reset", float(error.response.headers["x-ratelimit-reset"]) > 10)
    admin("faults", {})


def check_bill(root):
    admin("reset", {})
    client = together.Together(base_url=root, api_key="x", max_retries=0)
    for _ in range(2):
        client.audio.speech.create(model=KOKORO, voice="af_heart", input="Grüße, 世界")
    bill = admin("bill")
    claim("bill: characters, not bytes", bill["billed_chars"] == 18, bill["billed_chars"])
    claim("bill: to the nano-dollar", bill["cost_usd"] == "0.000072000", bill["cost_usd"])
    claim("bill: duplicates", (bill["unique_inputs"], bill["duplicates"]) == (1, 1))


def main():
    admin("reset", {})
    admin("faults", {})
    print(f"openai {openai.__version__}, together {together.__version__}")
    # The Together SDK 3 carries /v1 in its paths, the OpenAI SDK in its base.
    wav = check_openai(openai.OpenAI(base_url=f"{ROOT}/v1", api_key="x", max_retries=0, timeout=60))
    check_together(together.Together(base_url=ROOT, api_key="x", max_retries=0, timeout=60), wav)
    check_streams(ROOT)
    check_pace(ROOT)
    check_bill(ROOT)
    print(f"{held} claims hold")


main()
