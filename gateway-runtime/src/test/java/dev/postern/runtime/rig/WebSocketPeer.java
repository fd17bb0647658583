package dev.postern.runtime.rig;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;

/** One side of a WebSocket that sends exactly the frames it is told and reads exactly the frames it gets. */
public final class WebSocketPeer {
    /** A key that any handshake may use. */
    public static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";

    public static final int TEXT = 1;
    public static final int BINARY = 2;
    public static final int CLOSE = 8;
    public static final int PING = 9;
    public static final int PONG = 10;

    private static final byte[] MASK = {0x12, 0x34, 0x56, 0x78};

    private final InputStream in;
    private final OutputStream out;
    private final boolean masks;

    private WebSocketPeer(InputStream in, OutputStream out, boolean masks) {
        this.in = new BufferedInputStream(in, 64 * 1024);
        this.out = out;
        this.masks = masks;
    }

    /** A frame as received, its mask taken off. */
    public record Frame(boolean fin, int rsv, int opcode, boolean masked, byte[] payload) {
        /** The payload as text. */
        public String text() {
            return new String(payload, StandardCharsets.UTF_8);
        }

        /** The code of a close frame; 1005 without one. */
        public int code() {
            return payload.length < 2 ? 1005 : (payload[0] & 0xff) << 8 | payload[1] & 0xff;
        }

        /** The reason of a close frame. */
        public String reason() {
            return new String(payload, 2, payload.length - 2, StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return "frame " + opcode + (fin ? "" : " (more)")
                    + (opcode == CLOSE ? " " + code() : " of " + payload.length);
        }
    }

    /** The side of the client, behind an accepted handshake. */
    public static WebSocketPeer client(RawClient client) throws IOException {
        return new WebSocketPeer(client.in(), client.socket().getOutputStream(), true);
    }

    /** The side of the origin, behind the handshake that {@link #accept} has answered. */
    public static WebSocketPeer origin(InputStream in, OutputStream out) {
        return new WebSocketPeer(in, out, false);
    }

    /** The lines of a handshake, without the last empty one. */
    public static String handshake(String target, String... lines) {
        return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + "\r\n"
                + (lines.length == 0 ? "" : String.join("\r\n", lines) + "\r\n");
    }

    /** The answer to a handshake, whole. */
    public static String accept(RawOrigin.Received request, String... lines) {
        return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: " + accept(request.header("Sec-WebSocket-Key")) + "\r\n"
                + (lines.length == 0 ? "" : String.join("\r\n", lines) + "\r\n") + "\r\n";
    }

    /** RFC 6455 4.2.2. */
    public static String accept(String key) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-1")
                            .digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
                                    .getBytes(StandardCharsets.US_ASCII)));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The bytes of a frame, masked if this side masks. */
    public byte[] frame(boolean fin, int rsv, int opcode, byte[] payload) {
        return frame(fin, rsv, opcode, payload, masks);
    }

    /** The bytes of a frame. */
    public static byte[] frame(boolean fin, int rsv, int opcode, byte[] payload, boolean masked) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write((fin ? 0x80 : 0) | rsv << 4 | opcode);
        int mask = masked ? 0x80 : 0;
        if (payload.length < 126) {
            bytes.write(mask | payload.length);
        } else if (payload.length < 65_536) {
            bytes.write(mask | 126);
            bytes.write(payload.length >> 8);
            bytes.write(payload.length);
        } else {
            bytes.write(mask | 127);
            for (int shift = 56; shift >= 0; shift -= 8) {
                bytes.write((int) ((long) payload.length >> shift));
            }
        }
        byte[] body = payload;
        if (masked) {
            bytes.writeBytes(MASK);
            body = payload.clone();
            for (int i = 0; i < body.length; i++) {
                body[i] ^= MASK[i & 3];
            }
        }
        bytes.writeBytes(body);
        return bytes.toByteArray();
    }

    /** Sends a frame. */
    public WebSocketPeer send(boolean fin, int opcode, byte[] payload) throws IOException {
        return raw(frame(fin, 0, opcode, payload));
    }

    /** Sends a text message in one frame. */
    public WebSocketPeer text(String text) throws IOException {
        return send(true, TEXT, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends a close frame. */
    public WebSocketPeer close(int code, String reason) throws IOException {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        byte[] payload = new byte[2 + text.length];
        payload[0] = (byte) (code >> 8);
        payload[1] = (byte) code;
        System.arraycopy(text, 0, payload, 2, text.length);
        return send(true, CLOSE, payload);
    }

    /** Sends bytes. */
    public WebSocketPeer raw(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
        return this;
    }

    /** Reads a frame. */
    public Frame read() throws IOException {
        int first = in.read();
        if (first < 0) {
            throw new EOFException("the connection ended");
        }
        int second = byteOrEnd();
        long length = second & 0x7f;
        if (length >= 126) {
            int bytes = length == 126 ? 2 : 8;
            length = 0;
            for (int i = 0; i < bytes; i++) {
                length = length << 8 | byteOrEnd();
            }
        }
        boolean masked = (second & 0x80) != 0;
        byte[] mask = masked ? exactly(4) : new byte[4];
        byte[] payload = exactly((int) length);
        for (int i = 0; masked && i < payload.length; i++) {
            payload[i] ^= mask[i & 3];
        }
        return new Frame((first & 0x80) != 0, first >> 4 & 7, first & 0x0f, masked, payload);
    }

    /** Whether nothing but the end comes. */
    public boolean isAtEnd() throws IOException {
        try {
            return in.read() < 0;
        } catch (java.net.SocketException reset) {
            return true;
        }
    }

    /** Sends back every frame until «close», which it answers. */
    public void echo() throws IOException {
        for (Frame frame = read(); ; frame = read()) {
            if (frame.opcode() == PING) {
                send(true, PONG, frame.payload());
            } else if (frame.opcode() != PONG) {
                raw(frame(frame.fin(), frame.rsv(), frame.opcode(), frame.payload()));
            }
            if (frame.opcode() == CLOSE) {
                return;
            }
        }
    }

    private int byteOrEnd() throws IOException {
        int read = in.read();
        if (read < 0) {
            throw new EOFException("the connection ended within a frame");
        }
        return read;
    }

    private byte[] exactly(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the connection ended within a frame of " + length + ": "
                    + Arrays.toString(Arrays.copyOf(bytes, Math.min(20, bytes.length))));
        }
        return bytes;
    }
}
