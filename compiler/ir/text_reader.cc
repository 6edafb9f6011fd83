// One character after another. Comments go from # to the end of their line.
#include "compiler/ir/text_reader.h"

#include "isa/text.h"

namespace systole::compiler {
namespace {

using Kind = TextReader::Token::Kind;

std::string described(const TextReader::Token& token) {
  switch (token.kind) {
    case Kind::kLineEnd:
      return "the end of the line";
    case Kind::kEnd:
      return "the end of the text";
    case Kind::kWord:
    case Kind::kMark:
      return fmt::format("'{}'", token.text);
    case Kind::kQuoted:
      return fmt::format("\"{}\"", token.text);
  }
  return {};
}

}  // namespace

TextReader::TextReader(std::string_view where, std::string_view text) : where_(where), text_(text) {
  do {
    token_ = scan();
  } while (token_.kind == Kind::kLineEnd);
}

std::string TextReader::place(const Token& token) const {
  return fmt::format("{}:{}:{}", where_, token.line, token.column);
}

void TextReader::fail(const Token& token, const std::string& expected,
                      const std::string& hint) const {
  throw InputError(place(token), described(token) + hint, expected);
}

TextReader::Token TextReader::take() {
  Token taken = std::move(token_);
  do {
    token_ = scan();
  } while (token_.kind == Kind::kLineEnd && taken.kind == Kind::kLineEnd);
  return taken;
}

bool TextReader::at(std::string_view text) const {
  return (token_.kind == Kind::kWord || token_.kind == Kind::kMark) && token_.text == text;
}

bool TextReader::accept(std::string_view text) {
  if (!at(text)) return false;
  take();
  return true;
}

void TextReader::expect(std::string_view text) {
  if (!accept(text)) fail(token_, fmt::format("'{}'", text));
}

void TextReader::end_line() {
  if (token_.kind == Kind::kEnd) return;
  if (token_.kind != Kind::kLineEnd) fail(token_, "the end of the line");
  take();
}

std::string TextReader::word(std::string_view expected) {
  if (token_.kind != Kind::kWord) fail(token_, std::string(expected));
  return take().text;
}

std::string TextReader::name(std::string_view expected) {
  if (token_.kind == Kind::kQuoted) return take().text;
  return word(expected);
}

char TextReader::advance() {
  const char c = text_[at_++];
  ++column_;
  if (c == '\n') {
    ++line_;
    column_ = 1;
  }
  return c;
}

void TextReader::skip_blanks() {
  bool comment = false;
  while (at_ < text_.size()) {
    const char c = peek();
    if (c == '\n') {
      if (depth_ == 0) return;
      comment = false;
    } else if (c == '#') {
      comment = true;
    } else if (!comment && c != ' ' && c != '\t' && c != '\r') {
      return;
    }
    advance();
  }
}

TextReader::Token TextReader::scan() {
  skip_blanks();
  Token token{Kind::kEnd, "", line_, column_};
  if (at_ == text_.size()) return token;
  if (is_word_char(peek())) {
    token.kind = Kind::kWord;
    while (is_word_char(peek())) token.text += advance();
    return token;
  }
  if (peek() == '"') {
    token.kind = Kind::kQuoted;
    token.text = scan_quoted();
    return token;
  }
  const char mark = advance();
  if (mark == '(' || mark == '[') ++depth_;
  if ((mark == ')' || mark == ']') && depth_ > 0) --depth_;
  token.kind = mark == '\n' ? Kind::kLineEnd : Kind::kMark;
  token.text = mark;
  return token;
}

std::string TextReader::scan_quoted() {
  const Token start{Kind::kMark, "\"", line_, column_};
  std::size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\n')
    end += text_[end] == '\\' ? 2U : 1U;
  if (end >= text_.size() || text_[end] == '\n') fail(start, "a closing quote in its line");
  const std::size_t line_begin = at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1;  // npos + 1 is 0
  const std::string_view line = text_.substr(line_begin, end + 1 - line_begin);
  const std::string where = fmt::format("{}:{}", where_, line_);
  isa::LineScanner scanner(line, where, at_ - line_begin);
  while (at_ <= end) advance();
  return scanner.string();
}

}  // namespace systole::compiler
