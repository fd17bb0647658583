package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.AsciiString;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FieldLinesTest {
    @Test
    void lines_come_in_their_order_with_their_spelling() {
        MultiMap decoded = HttpHeaders.headers()
                .add(AsciiString.of("X-Tenant"), AsciiString.of("acme"))
                .add("accept", "*/*")
                .add(AsciiString.of("X-TENANT"), "b");

        assertThat(read(FieldLines.of(decoded))).containsExactly("X-Tenant: acme", "accept: */*", "X-TENANT: b");
        assertThat(read(FieldLines.of(MultiMap.caseInsensitiveMultiMap().add("A", "1"))))
                .containsExactly("A: 1");
    }

    @Test
    void a_name_that_was_seen_before_is_the_same_string_and_another_spelling_is_not() {
        String known = FieldLines.name(new AsciiString("X-Seen-Before"));

        assertThat(FieldLines.name(new AsciiString("X-Seen-Before"))).isSameAs(known);
        assertThat(FieldLines.name(new AsciiString("x-seen-before"))).isEqualTo("x-seen-before");
        assertThat(FieldLines.name(new AsciiString("X-Seen-Before"))).isEqualTo("X-Seen-Before");
    }

    @Test
    void names_of_one_place_do_not_become_each_other_and_long_ones_are_not_kept() {
        for (int i = 0; i < 5_000; i++) {
            assertThat(FieldLines.name(new AsciiString("x-n" + i))).isEqualTo("x-n" + i);
        }
        AsciiString endless = new AsciiString("x-" + "y".repeat(60));
        assertThat(FieldLines.name(endless)).isEqualTo(endless.toString());
    }

    private static List<String> read(Iterable<Map.Entry<String, String>> lines) {
        List<String> all = new ArrayList<>();
        for (Map.Entry<String, String> line : lines) {
            all.add(line.getKey() + ": " + line.getValue());
        }
        return all;
    }
}
