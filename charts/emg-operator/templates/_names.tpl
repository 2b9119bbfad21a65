{{/* What objects are called and labelled. Most helpers take a list: the root, and the part's name. */}}

{{- define "emg.name" -}}
{{- printf "%s-%s" (default (index . 0).Release.Name (index . 0).Values.fullnameOverride | trunc 40 | trimSuffix "-") (index . 1) -}}
{{- end -}}

{{/* ClusterRoles have no namespace to tell two releases of one name apart; no namespace has a colon in its name. */}}
{{- define "emg.clusterName" -}}
{{- printf "%s:%s" (index . 0).Release.Namespace (include "emg.name" .) -}}
{{- end -}}

{{- define "emg.selector" -}}
app.kubernetes.io/name: emg-operator
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "emg.labels" -}}
{{ include "emg.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end -}}

{{- define "emg.metadata" -}}
name: {{ include "emg.name" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "emg.labels" . | nindent 2 }}
{{- end -}}

{{- define "emg.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "emg.audience" -}}
{{ .Values.auth.audience | default "emg-signals" }}
{{- end -}}
