/** A QR code as a PNG: black and white, one bit per pixel. */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Modules of white around the code (ISO/IEC 18004 §9.1). */
const QUIET_ZONE = 4;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(4 + body.length + 4);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), 4 + body.length);
  return framed;
}

/** @param dark whether the pixel in this column and row is black. */
function png(size: number, dark: (column: number, row: number) => boolean): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // One bit of grey per pixel; compression, filter and interlacing as always.
  header[8] = 1;
  const stride = 1 + Math.ceil(size / 8);
  const pixels = Buffer.alloc(stride * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (dark(column, row)) continue;
      const at = row * stride + 1 + (column >> 3);
      pixels[at] = (pixels[at] ?? 0) | (0x80 >> (column & 7));
    }
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** @param size of the square in pixels; undefined when the code does not fit into it. */
export async function qrCodePng(text: string, size: number): Promise<Buffer | undefined> {
  const { encode } = await import('uqr');
  const code = encode(text, { ecc: 'M', border: 0 });
  const modules = code.size + 2 * QUIET_ZONE;
  const scale = Math.floor(size / modules);
  if (scale < 1) return undefined;
  const offset = Math.floor((size - code.size * scale) / 2);
  return png(size, (column, row) => {
    const x = Math.floor((column - offset) / scale);
    const y = Math.floor((row - offset) / scale);
    return code.data[y]?.[x] === true;
  });
}
