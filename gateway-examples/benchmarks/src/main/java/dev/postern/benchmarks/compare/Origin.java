package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The origin behind every peer, on one thread: 200 bytes of JSON for a GET, 1 MiB for {@code /big}, 1 KiB for a request
 * with a body. Costs as little as it can, since it shares its processor with the load.
 */
final class Origin implements AutoCloseable {
    private static final byte[] SMALL = answer(200);
    private static final byte[] KIBIBYTE = answer(1024);
    private static final byte[] BIG = answer(1 << 20);

    private final ServerSocketChannel server = ServerSocketChannel.open();
    private final Selector selector = Selector.open();
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(64 * 1024);

    Origin(int port) throws IOException {
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        Thread thread = new Thread(this::run, "origin");
        thread.setDaemon(true);
        thread.start();
    }

    int port() throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    private static byte[] answer(int length) {
        String head = "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                + "Content-Type: application/json\r\nCache-Control: no-store\r\nETag: \"abc\"\r\nContent-Length: "
                + length
                + "\r\n\r\n";
        return (head + "x".repeat(length)).getBytes(StandardCharsets.US_ASCII);
    }

    private void run() {
        while (selector.isOpen()) {
            try {
                selector.select(this::ready);
            } catch (IOException broken) {
                throw new IllegalStateException("the origin broke", broken);
            }
        }
    }

    private void ready(SelectionKey key) {
        if (!key.isValid()) {
            return;
        }
        try {
            if (key.isAcceptable()) {
                SocketChannel channel = server.accept();
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                channel.configureBlocking(false);
                channel.register(selector, SelectionKey.OP_READ, new Connection());
            } else if (key.isWritable()) {
                ((Connection) key.attachment()).flush(key);
            } else {
                ((Connection) key.attachment()).read(key);
            }
        } catch (IOException gone) {
            key.cancel();
            closeQuietly(key);
        }
    }

    private static void closeQuietly(SelectionKey key) {
        try {
            key.channel().close();
        } catch (IOException already) {
            return;
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        selector.close();
    }

    private final class Connection {
        private final byte[] message = new byte[16 * 1024];
        private int end;
        private @Nullable ByteBuffer rest;

        void read(SelectionKey key) throws IOException {
            bytes.clear();
            int read = ((SocketChannel) key.channel()).read(bytes);
            if (read < 0) {
                throw new IOException("closed");
            }
            bytes.flip();
            read = Math.min(read, message.length - end);
            bytes.get(message, end, read);
            end += read;
            int head = headEnd();
            if (head < 0) {
                return;
            }
            int body = bodyBytes(head);
            if (end >= head + body) {
                end = 0;
                boolean big = message[5] == 'b' && message[6] == 'i' && message[7] == 'g';
                byte[] answer = body > 0 ? KIBIBYTE : big ? BIG : SMALL;
                send(key, answer);
            }
        }

        private int headEnd() {
            for (int i = 3; i < end; i++) {
                if (message[i] == '\n' && message[i - 1] == '\r' && message[i - 2] == '\n') {
                    return i + 1;
                }
            }
            return -1;
        }

        /** Only requests that begin with P have a body here, and all of them are a kibibyte. */
        private int bodyBytes(int head) {
            return message[0] == 'P' && head > 0 ? 1024 : 0;
        }

        private void send(SelectionKey key, byte[] answer) throws IOException {
            SocketChannel channel = (SocketChannel) key.channel();
            if (answer.length < bytes.capacity()) {
                bytes.clear();
                bytes.put(answer).flip();
                channel.write(bytes);
                if (!bytes.hasRemaining()) {
                    return;
                }
                rest = ByteBuffer.wrap(answer, bytes.position(), bytes.remaining());
            } else {
                rest = ByteBuffer.wrap(answer);
            }
            flush(key);
        }

        void flush(SelectionKey key) throws IOException {
            ByteBuffer mine = rest;
            while (mine != null && mine.hasRemaining()) {
                bytes.clear();
                int part = Math.min(mine.remaining(), bytes.capacity());
                bytes.put(mine.duplicate().limit(mine.position() + part)).flip();
                int written = ((SocketChannel) key.channel()).write(bytes);
                mine.position(mine.position() + written);
                if (written < part) {
                    key.interestOps(SelectionKey.OP_WRITE);
                    return;
                }
            }
            rest = null;
            key.interestOps(SelectionKey.OP_READ);
        }
    }
}
