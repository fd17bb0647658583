package org.example;

import com.sun.net.httpserver.HttpServer;
import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.security.JwtAlgorithm;
import dev.postern.security.JwtAuth;
import dev.postern.security.JwtKey;
import dev.postern.traffic.RateLimit;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Does what {@link Check} does, and runs a gateway with a filter of each module: 401 without a token, 200 with it, 429 when
 * there were too many.
 */
public final class FiltersCheck {
    private FiltersCheck() {}

    public static void main(String[] args) throws Exception {
        Check.main(args);
        byte[] secret = "a secret of at least 32 bytes, as HS256 wants".getBytes(StandardCharsets.UTF_8);
        AtomicInteger served = new AtomicInteger();
        HttpServer orders = Check.origin("orders", served);
        try (Gateway gateway = Gateway.builder()
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("orders").endpoints(Check.url(orders)).build())
                .route(Route.builder("orders")
                        .match(Match.path("/orders/{id}"))
                        .filter(JwtAuth.builder()
                                .issuer("consumer")
                                .audience("orders")
                                .key(JwtKey.secret(secret).withAlgorithm(JwtAlgorithm.HS256))
                                .build())
                        .filter(RateLimit.perClient(2, Duration.ofMinutes(10)))
                        .to("orders")
                        .build())
                .build()) {
            gateway.start();
            String url = gateway.listeners().get(0).url() + "/orders/1";
            String token = "Bearer " + token(secret);
            HttpClient client = HttpClient.newHttpClient();

            List<Integer> statuses = new ArrayList<>();
            statuses.add(Check.get(client, url).statusCode());
            for (int i = 0; i < 3; i++) {
                statuses.add(Check.get(client, url, "Authorization", token).statusCode());
            }
            Check.check(statuses.equals(List.of(401, 200, 200, 429)), "statuses: " + statuses);
            Check.check(served.get() == 2, "the origin has seen " + served);
            gateway.stop(Duration.ZERO);
        } finally {
            orders.stop(0);
        }
        System.out.println("check of filters passed: " + args[0]);
    }

    private static String token(byte[] secret) throws Exception {
        long now = Instant.now().getEpochSecond();
        String signed = encoded("{\"alg\":\"HS256\",\"typ\":\"JWT\"}") + '.'
                + encoded("{\"iss\":\"consumer\",\"aud\":\"orders\",\"sub\":\"alice\",\"iat\":" + now + ",\"exp\":"
                        + (now + 300) + '}');
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        return signed + '.' + encoded(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII)));
    }

    private static String encoded(String text) {
        return encoded(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
