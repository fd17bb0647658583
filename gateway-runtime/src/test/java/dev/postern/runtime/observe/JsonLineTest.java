package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLineTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void an_object_without_members_is_an_object() throws JsonProcessingException {
        assertThat(JSON.readTree(new JsonLine().end())).isEmpty();
    }

    @Test
    void members_keep_their_order_and_types() {
        JsonLine line = new JsonLine();
        line.text("a", "b", 10);
        line.text("none", null, 10);
        line.open("c");
        line.text("d", "e", 10);
        line.number("f", -1);
        line.close();
        line.flag("g", true);
        line.number("h", Long.MAX_VALUE);
        assertThat(line.end())
                .isEqualTo("{\"a\":\"b\",\"c\":{\"d\":\"e\",\"f\":-1},\"g\":true,\"h\":9223372036854775807}");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.000",
        "999, 0.000",
        "1000, 0.001",
        "12345678, 12.345",
        "1000000, 1.000",
        "60050000, 60.050",
        "-5, 0.000",
        "9223372036854775807, 9223372036854.775",
    })
    void nanoseconds_become_milliseconds_with_three_decimals(long nanos, String shown) {
        JsonLine line = new JsonLine();
        line.millis("t", nanos);
        assertThat(line.end()).isEqualTo("{\"t\":" + shown + "}");
    }

    @Test
    void what_a_logging_library_could_look_up_is_broken_up() throws JsonProcessingException {
        String line = text("a${jndi:ldap://x}$${b}$", 100);
        assertThat(line).doesNotContain("${");
        assertThat(JSON.readTree(line).get("t").textValue()).isEqualTo("a${jndi:ldap://x}$${b}$");
    }

    @Test
    void every_character_is_written_in_visible_ascii_and_read_back() throws JsonProcessingException {
        for (int c = 0; c <= 0xffff; c++) {
            String line = text(String.valueOf((char) c), 1);
            assertThat(line).as("U+%04x", c).matches("[ -~]+");
            char read = JSON.readTree(line).get("t").textValue().charAt(0);
            assertThat(read).as("U+%04x", c).isEqualTo(Character.isSurrogate((char) c) ? '\ufffd' : (char) c);
        }
    }

    @Test
    void random_text_is_read_back_as_it_was() throws JsonProcessingException {
        Random random = new Random(11);
        for (int i = 0; i < 2_000; i++) {
            String text = random.ints(random.nextInt(50), 0, 0x110000)
                    .filter(c -> c < 0xd800 || c > 0xdfff)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            JsonNode read = JSON.readTree(text(text, 200));
            assertThat(read.get("t").textValue()).isEqualTo(text);
        }
    }

    @Test
    void long_values_are_cut_and_say_so() throws JsonProcessingException {
        assertThat(read("abcd", 4)).isEqualTo("abcd");
        assertThat(read("abcde", 4)).isEqualTo("abcd…");
        assertThat(read("x".repeat(10_000), 2048)).hasSize(2049).endsWith("x…");
    }

    @Test
    void a_cut_through_a_pair_leaves_no_half() throws JsonProcessingException {
        assertThat(read("a😀", 2)).isEqualTo("a\ufffd…");
        assertThat(read("a😀b", 3)).isEqualTo("a😀…");
        assertThat(read("\ude00\ud83d", 2)).isEqualTo("\ufffd\ufffd");
    }

    private static String read(String value, int limit) throws JsonProcessingException {
        return JSON.readTree(text(value, limit)).get("t").textValue();
    }

    private static String text(String value, int limit) {
        JsonLine line = new JsonLine();
        line.text("t", value, limit);
        return line.end();
    }
}
