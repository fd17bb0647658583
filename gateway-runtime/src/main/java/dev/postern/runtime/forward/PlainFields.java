package dev.postern.runtime.forward;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameListenerDecorator;
import io.netty.handler.codec.http2.Http2Settings;
import org.jspecify.annotations.Nullable;

/**
 * Sends the fields of requests over HTTP/2 without HPACK's table of what was sent before, as an encoder may (RFC 7541 4.2).
 *
 * <p>Requests of many clients share a connection to an endpoint, and how one's fields are compressed must not depend on what
 * another has sent (RFC 7541 7.1). The table would seldom help, either: ids and traces are new in every request and drive
 * out the rest, and keeping it takes a tenth of the work for a short request. What is in HPACK's static table is still one
 * byte. On the connection's loop only.
 */
final class PlainFields extends Http2FrameListenerDecorator {
    private final Http2ConnectionHandler codec;

    private PlainFields(Http2ConnectionHandler codec) {
        super(codec.decoder().frameListener());
        this.codec = codec;
    }

    /** Begins with a connection that has been made and has carried nothing. */
    static void send(@Nullable Channel channel) {
        Http2ConnectionHandler codec =
                channel == null ? null : channel.pipeline().get(Http2ConnectionHandler.class);
        if (codec == null) {
            return;
        }
        PlainFields fields = new PlainFields(codec);
        codec.decoder().frameListener(fields);
        try {
            fields.forgetAll();
        } catch (Http2Exception impossible) {
            throw new IllegalStateException("a table of 0 bytes was refused", impossible);
        }
    }

    private void forgetAll() throws Http2Exception {
        codec.encoder().configuration().headersConfiguration().maxHeaderTableSize(0);
    }

    @Override
    public void onSettingsRead(ChannelHandlerContext ctx, Http2Settings settings) throws Http2Exception {
        super.onSettingsRead(ctx, settings);
        // What the endpoint offers is what Netty takes.
        forgetAll();
    }
}
