package dev.postern.runtime.listener;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** A guard before Netty's real decoder, with a scripted server behind it. Time stands still until it is moved. */
final class GuardRig implements AutoCloseable {
    private static final Pattern DATE = Pattern.compile("Date: \\w{3}, \\d{2} \\w{3} \\d{4} [0-9:]{8} GMT\r\n");

    final List<Refusal> refusals = new ArrayList<>();
    /** What the server saw: "GET /", "body abc" (adjacent parts joined), "end", "failed framing.x". */
    final List<String> seen = new ArrayList<>();

    final ByteGuard guard;
    final EmbeddedChannel channel;

    private final List<ByteBuf> given = new ArrayList<>();
    private final StringBuilder written = new StringBuilder();
    private boolean answersAtOnce;

    GuardRig() {
        this(FramingGuard.http11(HeadLimits.DEFAULTS), new HttpRequestDecoder(8192, 16384, 16384));
    }

    GuardRig(FramingGuard framing, HttpRequestDecoder decoder) {
        guard = new ByteGuard(framing, Duration.ofSeconds(10), Duration.ofSeconds(60), () -> "id-1", refusals::add);
        channel = new EmbeddedChannel(guard, new Watched(), decoder, new HttpResponseEncoder(), new Server());
        channel.freezeTime();
    }

    /** The server answers each request with an empty 200 as soon as it is complete. */
    GuardRig answeringAtOnce() {
        answersAtOnce = true;
        return this;
    }

    GuardRig receive(String bytes) {
        ByteBuf buffer = channel.alloc().buffer(Math.max(1, bytes.length()));
        buffer.writeBytes(bytes.getBytes(ISO_8859_1));
        given.add(buffer);
        channel.writeInbound(buffer);
        return this;
    }

    GuardRig answer(String body) {
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.content().writeBytes(body.getBytes(ISO_8859_1));
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.length());
        write(response);
        return this;
    }

    GuardRig beginAnswer() {
        DefaultHttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, "chunked");
        write(response, new DefaultHttpContent(channel.alloc().buffer().writeByte('x')));
        return this;
    }

    GuardRig endAnswer() {
        write(LastHttpContent.EMPTY_LAST_CONTENT);
        return this;
    }

    GuardRig inform(HttpResponseStatus status) {
        write(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status));
        return this;
    }

    private void write(Object... messages) {
        for (Object message : messages) {
            channel.pipeline().writeAndFlush(message);
        }
        channel.runPendingTasks();
    }

    GuardRig pass(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        return this;
    }

    /** All that went out since the last call; without the date, since a second may end within a story. */
    String sent() {
        for (Object message = channel.readOutbound(); message != null; message = channel.readOutbound()) {
            written.append(((ByteBuf) message).toString(ISO_8859_1));
            ReferenceCountUtil.release(message);
        }
        String all = written.toString();
        written.setLength(0);
        return DATE.matcher(all).replaceAll("Date: (now)\r\n");
    }

    List<Reason> reasons() {
        return refusals.stream().map(Refusal::reason).toList();
    }

    /** Everything that must hold at the end of every story: all buffers are free. */
    @Override
    public void close() {
        pass(1000);
        sent();
        channel.finishAndReleaseAll();
        for (ByteBuf buffer : given) {
            assertThat(buffer.refCnt()).as("references to a received buffer").isZero();
        }
    }

    /** Joins what the decoder is given, to show when bytes reach it. */
    private final class Watched extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            decoded.append(((ByteBuf) msg).toString(ISO_8859_1));
            ctx.fireChannelRead(msg);
        }
    }

    final StringBuilder decoded = new StringBuilder();

    private final class Server extends ChannelDuplexHandler {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            if (msg instanceof HttpRequest request) {
                seen.add(request.method() + " " + request.uri());
            }
            if (msg instanceof HttpContent content && content.content().isReadable()) {
                String text = content.content().toString(ISO_8859_1);
                int last = seen.size() - 1;
                if (seen.get(last).startsWith("body ")) {
                    seen.set(last, seen.get(last) + text);
                } else {
                    seen.add("body " + text);
                }
            }
            ReferenceCountUtil.release(msg);
            if (msg instanceof LastHttpContent) {
                seen.add("end");
                if (answersAtOnce) {
                    DefaultFullHttpResponse response =
                            new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
                    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0);
                    ctx.writeAndFlush(response);
                }
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            seen.add("failed " + cause.getMessage());
            // As Vert.x does: it fails the request and closes.
            ctx.pipeline().close();
        }
    }
}
