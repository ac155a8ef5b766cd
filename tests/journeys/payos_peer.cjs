// payOS's own Node library as a peer: reads questions as JSON, answers with what it makes of them.
const { PayOS } = require('@payos/node');

let asked = '';
process.stdin.on('data', (chunk) => (asked += chunk));
process.stdin.on('end', async () => {
  const { key, requests, data, webhooks } = JSON.parse(asked);
  const payos = new PayOS({ clientId: 'c', apiKey: 'a', checksumKey: key });
  const verified = await Promise.all(
    webhooks.map((webhook) => payos.webhooks.verify(webhook).then(() => true, () => false)),
  );
  const sign = (one) => payos.crypto.createSignatureFromObj(one, key);
  const signRequest = (one) => payos.crypto.createSignatureOfPaymentRequest(one, key);
  console.log(JSON.stringify({
    requests: await Promise.all(requests.map(signRequest)),
    data: await Promise.all(data.map(sign)),
    verified,
  }));
});
