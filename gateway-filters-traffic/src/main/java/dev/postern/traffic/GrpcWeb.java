package dev.postern.traffic;

import dev.postern.Body;
import dev.postern.Filter;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Lets browsers call gRPC services: translates gRPC-Web, binary and text, to gRPC and back. The service needs to know nothing
 * of it; the upstream speaks HTTP/2.
 *
 * {@snippet class="dev.postern.traffic.GrpcWebTest" region="smallest"}
 *
 * <p>What a browser cannot read, the trailers, becomes a last frame of the body: that is all the difference, and Base64 in the
 * text form. Messages are passed on as they come, in both directions. Requests of other types pass untouched, and so do
 * responses that are not gRPC: a failure of the gateway keeps its HTTP status, which clients translate by themselves.
 *
 * <p>Not checked here: who calls, and from which page. A call from a page of another origin needs the answers of CORS, before
 * this filter.
 */
public final class GrpcWeb implements Filter {
    private static final String GRPC = "application/grpc";
    private static final String WEB = "application/grpc-web";
    private static final String TEXT = "application/grpc-web-text";

    /** Of a response without messages these stand in its head. */
    private static final List<String> STATUS = List.of("grpc-status", "grpc-message", "grpc-status-details-bin");

    private static final GrpcWeb INSTANCE = new GrpcWeb();

    private GrpcWeb() {}

    /** The filter; it has no options. */
    public static GrpcWeb toGrpc() {
        return INSTANCE;
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        String type = mediaType(request.header("Content-Type"));
        boolean text = isOf(type, TEXT);
        if (!request.method().equals("POST") || !(text || isOf(type, WEB))) {
            return chain.proceed(request);
        }
        String accept = mediaType(request.header("Accept"));
        boolean textBack = isOf(accept, TEXT) || (text && !isOf(accept, WEB));
        return chain.proceed(translated(request, type, text)).thenApply(response -> answered(response, textBack));
    }

    private static Request translated(Request request, String type, boolean text) {
        Headers headers = request.headers()
                .edit(fields -> fields.set("Content-Type", GRPC + type.substring((text ? TEXT : WEB).length()))
                        // RFC 9110 10.1.4: gRPC services insist on it, as a sign that nobody between drops trailers.
                        .set("TE", "trailers")
                        .remove("Accept")
                        .remove("X-Grpc-Web"));
        Request forUpstream = request.withHeaders(headers);
        return text ? forUpstream.withBody(Reframed.withTrailers(request.body(), new Base64Reading())) : forUpstream;
    }

    private static Response answered(Response response, boolean text) {
        String type = mediaType(response.header("Content-Type"));
        if (response.status() != 200 || !isOf(type, GRPC)) {
            return response;
        }
        Headers.Builder early = Headers.builder();
        for (String name : STATUS) {
            response.headers().all(name).forEach(value -> early.add(name, value));
        }
        Headers headers = response.headers().edit(fields -> {
            fields.set("Content-Type", (text ? TEXT : WEB) + type.substring(GRPC.length()));
            STATUS.forEach(fields::remove);
        });
        Body body = response.body();
        return response.withHeaders(headers).withBody(Reframed.of(body, new GrpcFrames(body, early.build(), text)));
    }

    private static String mediaType(@Nullable String value) {
        if (value == null) {
            return "";
        }
        int end = value.indexOf(';');
        return (end < 0 ? value : value.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    }

    /** {@code base} itself or one of its forms, such as {@code base+proto}. */
    private static boolean isOf(String type, String base) {
        return type.startsWith(base) && (type.length() == base.length() || type.charAt(base.length()) == '+');
    }

    /** The frame in which a client of gRPC-Web finds the trailers. */
    static ByteBuffer trailerFrame(Headers trailers) {
        StringBuilder block = new StringBuilder();
        for (int i = 0; i < trailers.size(); i++) {
            block.append(trailers.name(i).toLowerCase(Locale.ROOT))
                    .append(": ")
                    .append(trailers.value(i))
                    .append("\r\n");
        }
        byte[] bytes = block.toString().getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(5 + bytes.length)
                .put((byte) 0x80)
                .putInt(bytes.length)
                .put(bytes)
                .flip();
    }
}
