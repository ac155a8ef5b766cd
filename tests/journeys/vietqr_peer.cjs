// vietnam-qr-pay as a peer: reads texts and orders as JSON, answers with what it reads and builds.
const { QRPay } = require('vietnam-qr-pay');

let asked = '';
process.stdin.on('data', (chunk) => (asked += chunk));
process.stdin.on('end', () => {
  const { texts, orders } = JSON.parse(asked);
  const read = texts.map((text) => {
    const qr = new QRPay(text);
    return {
      valid: qr.isValid,
      provider: qr.provider.name,
      method: qr.initMethod,
      bin: qr.consumer.bankBin,
      account: qr.consumer.bankNumber,
      amount: qr.amount,
      memo: qr.additionalData.purpose,
    };
  });
  console.log(JSON.stringify({ read, built: orders.map((order) => QRPay.initVietQR(order).build()) }));
});
