/* A file of any container, loaded into a directory of its own. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool is_value(javm_dir *dir, const uint8_t *bytes, size_t size_bytes) {
  javm_cap *cap = NULL;
  bool good = javm_cap_decode(dir, bytes, size_bytes, &cap, NULL) == JAVM_OK ||
              javm_bundle_decode(dir, bytes, size_bytes, &cap, NULL) == JAVM_OK;
  javm_cap_release(dir, cap);
  return good;
}

cli_form cli_form_of(javm_dir *dir, const uint8_t *bytes, size_t size_bytes, javm_isa isa) {
  javm_jam jam;
  if (javm_jam_parse(bytes, size_bytes, isa, NULL, &jam, NULL) != JAVM_OK)
    return is_value(dir, bytes, size_bytes) ? CLI_FORM_VALUE : CLI_FORM_TEXT;
  cli_form form = jam.is_standard ? CLI_FORM_STANDARD : CLI_FORM_BLOB;
  javm_jam_clear(NULL, &jam);
  /* As javm_load does: any bytes of the right number are a Data or a Type, so a container goes before those. */
  bool jam_first = bytes[0] == JAVM_KIND_DATA || bytes[0] == JAVM_KIND_TYPE;
  return !jam_first && is_value(dir, bytes, size_bytes) ? CLI_FORM_VALUE : form;
}

int cli_input_open(const char *path, const javm_load_config *config, cli_input *input) {
  javm_load_config standard;
  javm_error error;
  javm_load_config_default(&standard);
  if (config == NULL) config = &standard;
  memset(input, 0, sizeof *input);
  input->path = path;
  if (!cli_read_file(path, &input->bytes)) return CLI_BAD;
  int result = CLI_OK;
  if (javm_dir_new(NULL, &input->dir) != JAVM_OK) result = cli_fail_memory();
  else if (javm_load(input->dir, input->bytes.data, input->bytes.size, config, &input->cap, &error) != JAVM_OK)
    result = cli_fail_error(path, &error);
  if (result == CLI_OK)
    input->form =
        cli_form_of(input->dir, input->bytes.data, input->bytes.size, config->has_isa ? config->isa : JAVM_ISA_JAM_0_7);
  else cli_input_close(input);
  return result;
}

void cli_input_close(cli_input *input) {
  if (input->dir != NULL) javm_cap_release(input->dir, input->cap);
  javm_dir_free(input->dir);
  free(input->bytes.data);
  memset(input, 0, sizeof *input);
}

javm_status cli_resolve(javm_dir *dir, javm_cap *cap, javm_cap **out, javm_error *error) {
  javm_hash hash;
  if (javm_cap_kind(cap) != JAVM_KIND_ABSENT) {
    *out = javm_cap_retain(cap);
    return JAVM_OK;
  }
  javm_status status = javm_cap_hash(dir, cap, &hash);
  if (status == JAVM_OK) return javm_dir_get(dir, &hash, out, error);
  if (error != NULL) *error = (javm_error){.status = status};
  return status;
}

int cli_input_image(cli_input *input, javm_cap **image) {
  javm_kind kind = javm_cap_kind(input->cap);
  javm_instance_spec spec;
  javm_error error;
  if (kind == JAVM_KIND_IMAGE) {
    *image = javm_cap_retain(input->cap);
    return CLI_OK;
  }
  if (kind != JAVM_KIND_INSTANCE)
    return cli_fail("%s: expected a program, an Image or an Instance, got a %s", input->path, javm_kind_text(kind));
  if (javm_instance_view(input->dir, input->cap, &spec) != JAVM_OK) return cli_fail_memory();
  if (spec.image == NULL) return cli_fail("%s: the Instance has no Image, so it has no code", input->path);
  if (cli_resolve(input->dir, spec.image, image, &error) != JAVM_OK) return cli_fail_error(input->path, &error);
  kind = javm_cap_kind(*image);
  if (kind == JAVM_KIND_IMAGE) return CLI_OK;
  javm_cap_release(input->dir, *image);
  *image = NULL;
  return cli_fail("%s: what the Instance names as its Image is a %s", input->path, javm_kind_text(kind));
}
