package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.UpstreamTls;
import dev.postern.runtime.KubernetesDiscovery;
import dev.postern.runtime.discovery.ScriptedServices.OpenCall;
import dev.postern.runtime.health.LentServices;
import dev.postern.runtime.health.LogLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KubernetesWatchTest {
    private static final String API = "http://127.0.0.1:6443";
    private static final Duration MOMENT = Duration.ofMillis(100);

    private final ScriptedServices services = new ScriptedServices();
    private final List<List<String>> told = new ArrayList<>();
    private final LogLines log = new LogLines("dev.postern.discovery");
    private Discovery.Watch watch = () -> {};

    @AfterEach
    void close_log() {
        watch.stop();
        log.close();
        assertThat(services.time.pending()).isZero();
    }

    private void watch(KubernetesDiscovery discovery) {
        watch = discovery.watch(
                services, list -> told.add(list.stream().map(Endpoint::uri).toList()));
    }

    private void watchOrders() {
        watch(KubernetesDiscovery.service("shop", "orders").apiServer(API, UpstreamTls.verified()));
    }

    @Test
    void it_lists_and_then_watches_from_the_version_of_the_list() {
        watchOrders();
        OpenCall list = services.lastCall();
        assertThat(list.request.target())
                .isEqualTo("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
                        + "?labelSelector=kubernetes.io%2Fservice-name%3Dorders&limit=8");
        answer(list, list("77", "", slice("s1", "5", ready("10.0.0.2"), ready("10.0.0.1"))));
        assertThat(told).containsExactly(List.of("http://10.0.0.1:8080", "http://10.0.0.2:8080"));

        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target())
                .contains("&watch=1", "&allowWatchBookmarks=true", "&resourceVersion=77");
        assertThat(services.lastCall().silence).isGreaterThan(Duration.ofSeconds(290));
    }

    @Test
    void pages_are_one_list() {
        watchOrders();
        answer(services.lastCall(), list("77", "page2", slice("s1", "5", ready("10.0.0.1"))));
        services.time.advance(MOMENT);
        assertThat(told).isEmpty();
        assertThat(services.lastCall().request.target()).endsWith("&limit=8&continue=page2");
        answer(services.lastCall(), list("77", "", slice("s2", "6", ready("10.0.0.2"))));
        assertThat(told).containsExactly(List.of("http://10.0.0.1:8080", "http://10.0.0.2:8080"));
    }

    @Test
    void a_page_of_the_largest_slices_there_are_is_within_the_bound() {
        String[] endpoints = new String[1000];
        for (int i = 0; i < endpoints.length; i++) {
            endpoints[i] = "{\"addresses\":[\"2001:db8:1234:5678:9abc:def0:1111:" + Integer.toHexString(i + 1)
                    + "\"],\"conditions\":{\"ready\":true,\"serving\":true,\"terminating\":false},\"hints\":{\"forZones\":"
                    + "[{\"name\":\"eu-central-1a\"}]},\"nodeName\":\"ip-10-100-100-100.eu-central-1.compute.internal\","
                    + "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"orders-5d9c8b7f6c-abcde\",\"namespace\":\"shop\",\"uid\":"
                    + "\"0b9e64a3-1d5c-4d2a-9a55-7f6d0f7d6c11\"},\"zone\":\"eu-central-1a\"}";
        }
        String[] slices = new String[8];
        for (int i = 0; i < slices.length; i++) {
            slices[i] = slice("s" + i, "5", endpoints);
        }
        watchOrders();
        String page = list("77", "", slices);
        assertThat(page.length()).isBetween(LineCalls.MAX_LINE_BYTES / 2, LineCalls.MAX_LINE_BYTES);
        answer(services.lastCall(), page);
        assertThat(told).hasSize(1);
        assertThat(told.get(0)).hasSize(1000);
    }

    @Test
    void a_list_that_is_too_long_is_said_to_be() {
        watchOrders();
        OpenCall call = services.lastCall();
        call.answer(200, "x".repeat(LineCalls.MAX_LINE_BYTES / 2), "x".repeat(LineCalls.MAX_LINE_BYTES / 2 + 1));
        call.reader.end(null);
        assertThat(log.lines()).singleElement().asString().contains("it answered with more than 4194304 bytes");
    }

    @Test
    void a_continue_token_that_has_expired_lists_anew() {
        watchOrders();
        answer(services.lastCall(), list("77", "page2", slice("s1", "5", ready("10.0.0.1"))));
        services.time.advance(MOMENT);
        OpenCall late = services.lastCall();
        late.answer(410, "{\"kind\": \"Status\", \"code\": 410}");
        late.reader.end(null);
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target()).doesNotContain("continue");
    }

    @Test
    void versions_and_tokens_of_pages_may_hold_any_characters() {
        watchOrders();
        answer(services.lastCall(), list("77", "page 2&limit=1", slice("s1", "5", ready("10.0.0.1"))));
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target()).endsWith("&limit=8&continue=page+2%26limit%3D1");
        answer(services.lastCall(), list("7 8", "", slice("s2", "6", ready("10.0.0.2"))));
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target()).endsWith("&resourceVersion=7+8");
    }

    @Test
    void a_call_that_cannot_be_begun_is_begun_again(@TempDir Path folder) throws IOException {
        Path token = Files.writeString(folder.resolve("token"), "secret");
        services.refusal = new IllegalStateException("no such file: ca.crt");
        watch(KubernetesDiscovery.service("shop", "orders")
                .apiServer(API, UpstreamTls.verified())
                .tokenFile(token));
        assertThat(services.calls).isEmpty();
        assertThat(log.lines()).singleElement().asString().contains("no such file: ca.crt");

        services.refusal = null;
        Files.writeString(token, "");
        services.time.advance(Duration.ofSeconds(1));
        assertThat(services.calls).isEmpty();

        Files.writeString(token, "secret");
        services.time.advance(Duration.ofSeconds(2));
        assertThat(services.calls).hasSize(1);
    }

    @Test
    void events_change_the_list_at_once() {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")), slice("s2", "6", ready("10.0.0.2")));
        stream.answer(200, event("MODIFIED", slice("s1", "80", ready("10.0.0.1"), ready("10.0.0.3"))));
        assertThat(told)
                .last()
                .isEqualTo(List.of("http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://10.0.0.3:8080"));
        stream.reader.line(event("DELETED", slice("s2", "81", ready("10.0.0.2"))));
        assertThat(told).last().isEqualTo(List.of("http://10.0.0.1:8080", "http://10.0.0.3:8080"));
        stream.reader.line(event("ADDED", slice("s3", "82", ready("10.0.0.3"), ready("10.0.0.4"))));
        assertThat(told)
                .last()
                .isEqualTo(List.of("http://10.0.0.1:8080", "http://10.0.0.3:8080", "http://10.0.0.4:8080"));
    }

    @Test
    void a_watch_that_ends_goes_on_from_the_last_version_bookmarks_included() {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")));
        stream.answer(
                200,
                event("BOOKMARK", "{\"kind\": \"EndpointSlice\", \"metadata\": {\"resourceVersion\": \"99\"}}"),
                "");
        stream.reader.end(null);
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target()).endsWith("&resourceVersion=99");
        assertThat(told).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\": \"ERROR\", \"object\": {\"kind\": \"Status\", \"code\": 410, \"reason\": \"Expired\"}}",
                "{\"type\": \"ERROR\", \"object\": {\"kind\": \"Status\", \"code\": 500}}",
                "{\"type\": \"ADDED\", \"object\": {\"metadata\": {\"name\": \"s9\"}}}",
                "{\"type\": ",
                "nonsense"
            })
    void a_watch_that_cannot_be_followed_lists_anew_and_keeps_the_endpoints(String line) {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")));
        stream.answer(200, line);
        stream.reader.end(null);
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.target()).doesNotContain("watch");
        answer(services.lastCall(), list("120", "", slice("s1", "110", ready("10.0.0.7"))));
        assertThat(told).containsExactly(List.of("http://10.0.0.1:8080"), List.of("http://10.0.0.7:8080"));
    }

    @Test
    void a_server_that_forgets_again_and_again_is_not_flooded() {
        watching(slice("s1", "5", ready("10.0.0.1")));
        int calls = services.calls.size();
        for (int i = 0; i < 600; i++) {
            OpenCall call = services.lastCall();
            if (call.request.target().contains("watch")) {
                call.answer(200, "{\"type\": \"ERROR\", \"object\": {\"code\": 410}}");
                call.reader.end(null);
            } else {
                answer(call, list("7", "", slice("s1", "5", ready("10.0.0.1"))));
            }
            services.time.advance(MOMENT);
        }
        assertThat(services.calls.size() - calls).isLessThan(30);
    }

    @Test
    void failures_keep_the_endpoints_and_come_back_to_the_version() {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")));
        stream.reader.end(new IOException("connection reset"));
        services.time.advance(Duration.ofSeconds(1));
        services.lastCall().answer(503);
        services.lastCall().reader.end(null);
        services.time.advance(Duration.ofSeconds(2));
        assertThat(services.lastCall().request.target()).endsWith("&resourceVersion=77");
        services.lastCall().answer(200, event("MODIFIED", slice("s1", "80", ready("10.0.0.3"))));

        assertThat(told).containsExactly(List.of("http://10.0.0.1:8080"), List.of("http://10.0.0.3:8080"));
        assertThat(log.lines())
                .containsExactly(
                        "WARNING Kubernetes service \"shop/orders\" cannot be followed: connection reset; the endpoints"
                                + " known stay in use",
                        "INFO Kubernetes service \"shop/orders\" can be followed again after 2 failures");
    }

    @Test
    void a_service_without_endpoints_keeps_those_it_had() {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")));
        stream.answer(200, event("MODIFIED", slice("s1", "80")));
        stream.reader.line(event("MODIFIED", slice("s1", "81")));
        assertThat(told).hasSize(1);
        assertThat(log.lines())
                .containsExactly(
                        "WARNING Kubernetes service \"shop/orders\" names no endpoint; those known stay in use");
    }

    @Test
    void pods_that_are_not_ready_are_left_out_unless_there_are_no_others() {
        watchOrders();
        answer(
                services.lastCall(),
                list(
                        "77",
                        "",
                        slice(
                                "s1",
                                "5",
                                pod("10.0.0.1", "\"ready\": false, \"serving\": true, \"terminating\": true"),
                                pod("10.0.0.2", "\"ready\": false, \"serving\": false"),
                                pod("10.0.0.3", ""))));
        assertThat(told).containsExactly(List.of("http://10.0.0.3:8080"));
        services.time.advance(MOMENT);
        services.lastCall()
                .answer(
                        200,
                        event(
                                "MODIFIED",
                                slice(
                                        "s1",
                                        "6",
                                        pod("10.0.0.1", "\"ready\": false, \"serving\": true, \"terminating\": true"),
                                        pod("10.0.0.2", "\"ready\": false, \"serving\": false"))));
        assertThat(told).last().isEqualTo(List.of("http://10.0.0.1:8080"));
    }

    @Test
    void the_port_is_chosen_by_name_or_number() {
        for (String port : List.of("metrics", "9090")) {
            watch(KubernetesDiscovery.service("shop", "orders")
                    .apiServer(API, UpstreamTls.verified())
                    .port(port)
                    .https());
            answer(services.lastCall(), list("77", "", slice("s1", "5", ready("10.0.0.1"))));
            assertThat(told).last().isEqualTo(List.of("https://10.0.0.1:9090"));
            watch.stop();
        }
    }

    @Test
    void the_token_is_read_for_each_call(@TempDir Path folder) throws Exception {
        Path token = folder.resolve("token");
        Files.writeString(token, "first\n");
        watch(KubernetesDiscovery.service("shop", "orders")
                .apiServer(API, UpstreamTls.verified())
                .tokenFile(token));
        assertThat(services.lastCall().request.header("Authorization")).isEqualTo("Bearer first");
        Files.writeString(token, "second\n");
        answer(services.lastCall(), list("77", "", slice("s1", "5", ready("10.0.0.1"))));
        services.time.advance(MOMENT);
        assertThat(services.lastCall().request.header("Authorization")).isEqualTo("Bearer second");

        Files.delete(token);
        services.lastCall().reader.end(new IOException("reset"));
        services.time.advance(Duration.ofSeconds(1));
        assertThat(services.calls).hasSize(2);
        assertThat(log.lines()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "{\"metadata\": {\"resourceVersion\": \"7\"}}", "{\"items\": []}", "nonsense"})
    void a_list_that_is_none_is_a_failure(String document) {
        watchOrders();
        answer(services.lastCall(), document);
        assertThat(log.lines()).hasSize(1);
        services.time.advance(Duration.ofSeconds(1));
        assertThat(services.calls).hasSize(2);
    }

    @Test
    void after_the_end_nothing_is_told_and_the_call_is_given_up() {
        OpenCall stream = watching(slice("s1", "5", ready("10.0.0.1")));
        watch.stop();
        assertThat(stream.stopped).isTrue();
        stream.answer(200, event("MODIFIED", slice("s1", "80", ready("10.0.0.3"))));
        stream.reader.end(null);
        services.time.advance(Duration.ofMinutes(5));
        assertThat(told).hasSize(1);
    }

    @Test
    void outside_a_cluster_the_cure_is_told() {
        assertThatThrownBy(() -> watch(KubernetesDiscovery.service("shop", "orders")))
                .hasMessageContaining("name the server with apiServer");
        assertThatThrownBy(() -> KubernetesDiscovery.service("shop", "orders")
                        .apiServer(API, UpstreamTls.verified())
                        .watch(new LentServices(), list -> {}))
                .hasMessageContaining("works inside a gateway run by VertxRuntime only");
    }

    private OpenCall watching(String... slices) {
        watchOrders();
        answer(services.lastCall(), list("77", "", slices));
        services.time.advance(MOMENT);
        return services.lastCall();
    }

    private static void answer(OpenCall call, String document) {
        call.answer(200, document);
        call.reader.end(null);
    }

    private static String list(String version, String next, String... slices) {
        return "{\"kind\": \"EndpointSliceList\", \"metadata\": {\"resourceVersion\": \"" + version
                + "\", \"continue\": \"" + next + "\"}, \"items\": [" + String.join(", ", slices) + "]}";
    }

    private static String event(String type, String object) {
        return "{\"type\": \"" + type + "\", \"object\": " + object + "}";
    }

    private static String slice(String name, String version, String... pods) {
        return "{\"metadata\": {\"name\": \"" + name + "\", \"resourceVersion\": \"" + version
                + "\"}, \"addressType\": \"IPv4\", \"ports\": [{\"name\": \"http\", \"port\": 8080}, {\"name\":"
                + " \"metrics\", \"port\": 9090}], \"endpoints\": [" + String.join(", ", pods) + "]}";
    }

    private static String ready(String address) {
        return pod(address, "\"ready\": true, \"serving\": true, \"terminating\": false");
    }

    private static String pod(String address, String conditions) {
        return "{\"addresses\": [\"" + address + "\"], \"conditions\": {" + conditions
                + "}, \"zone\": \"eu-1a\", \"nodeName\": \"node-7\"}";
    }
}
