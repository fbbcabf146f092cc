// What a headset page does, as little of it as a test needs. Issue: the real page is the switch's own.
"use strict";
window.headset = {
  connection: null,
  analyser: null,
  // An offer with the microphone in it, whole: candidates are not trickled.
  async offer(codec) {
    const microphone = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const connection = (this.connection = new RTCPeerConnection());
    const sender = connection.addTransceiver(microphone.getAudioTracks()[0], { direction: "sendrecv" });
    if (codec) {
      const wanted = RTCRtpReceiver.getCapabilities("audio").codecs.filter((each) => each.mimeType === "audio/" + codec);
      sender.setCodecPreferences(wanted);
    }
    connection.ontrack = (event) => this.listen(event.track);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== "complete") await new Promise((soon) => setTimeout(soon, 20));
    return connection.localDescription.sdp;
  },
  async answer(sdp) {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    return this.connection.signalingState;
  },
  // Chromium plays a remote track into the Web Audio graph only while an element plays it too.
  listen(track) {
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.srcObject = stream;
    element.muted = true;
    element.play();
    const context = new AudioContext();
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 8192;
    this.analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(this.analyser);
    context.resume();
  },
  // Frequencies in Hz whose level stands out, in dB over the median of all: what the page hears now.
  heard(prominence) {
    if (!this.analyser) return [];
    const bins = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(bins);
    const width = this.analyser.context.sampleRate / this.analyser.fftSize;
    const band = Array.from(bins.slice(0, Math.ceil(4000 / width)));
    const floor = [...band].sort((a, b) => a - b)[band.length >> 1];
    const found = [];
    for (let i = 2; i < band.length - 2; i++) {
      const peak = band[i] >= band[i - 1] && band[i] > band[i + 1] && band[i] > -100;
      if (peak && band[i] > Math.max(floor, -140) + prominence) found.push(i * width);
    }
    return found;
  },
  state() {
    return this.connection.connectionState;
  },
  // The same over the switch's own door, as its page would.
  async seat(path) {
    const sdp = await this.offer();
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type: "offer", sdp }),
    });
    if (!response.ok) throw new Error(response.status + ": " + (await response.text()));
    return this.answer((await response.json()).sdp);
  },
};
