package dev.postern.runtime.edge;

import dev.postern.GatewayException;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The verdict of the second layer on the requests of a stream, as Netty decodes them without a guard: {@code decoder} when it
 * does not, {@code 400 path.nul} when the layer refuses, and what passes in words.
 */
public final class HeadJudge implements Function<byte[], String> {
    @Override
    public String apply(byte[] bytes) {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpRequestDecoder(8192, 16384, 16384));
        try {
            channel.writeInbound(Unpooled.wrappedBuffer(bytes));
            List<String> verdicts = new ArrayList<>();
            for (Object next = channel.readInbound(); next != null; next = channel.readInbound()) {
                if (next instanceof HttpRequest request) {
                    String verdict = judge(request);
                    verdicts.add(verdict);
                    if (!verdict.startsWith("passes")) {
                        break;
                    }
                }
                ReferenceCountUtil.release(next);
            }
            return verdicts.isEmpty() ? "nothing" : verdicts.get(verdicts.size() - 1);
        } finally {
            channel.finishAndReleaseAll();
        }
    }

    private static String judge(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            return "decoder";
        }
        if (request.protocolVersion().minorVersion() == 0) {
            // The entry refuses it before anything else.
            return "505 framing.version";
        }
        try {
            RequestHead head =
                    RequestHead.of(request.method().name(), request.uri(), request.headers(), null, "http", 100);
            return "passes " + head.method() + ' ' + head.authority() + ' ' + head.target() + ' ' + head.length() + ' '
                    + head.close() + ' ' + head.expectsContinue() + ' ' + head.headers() + ' ' + head.reported();
        } catch (GatewayException refused) {
            return refused.failure().status() + " " + refused.reason();
        }
    }
}
